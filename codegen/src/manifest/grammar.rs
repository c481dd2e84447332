//! Reads the grammar of keys: rules in the notation of ISO 14977 (EBNF), as far as they need it.
//!
//! A rule is alternatives of sequences; an item is a `"terminal"`, another rule, `[ an option ]`, `{ a repetition }`, a
//! `( group )`, `character` or `character - ( exceptions )`. `? U+FEFF ?` is the character of that number.

use std::ops::Range;

use super::diagnostics::Problem;
use super::entry::{Entry, Faults};
use super::names::{Case, nearest};

/// The name that stands for any character of Unicode.
pub const CHARACTER: &str = "character";

/// `[[rule]]`: a rule of the grammar of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `snake_case` name.
    pub name: String,
    /// What the manifest says, in EBNF.
    pub text: String,
    /// The same as data.
    pub is: Expression,
    /// What the grammar cannot say; empty if there is nothing.
    pub doc: String,
}

/// What a rule or a part of it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Exactly this.
    Text(String),
    /// What another rule matches.
    Rule(String),
    /// Any character but these.
    Character(Vec<char>),
    /// One of several.
    Choice(Vec<Self>),
    /// One after another.
    Sequence(Vec<Self>),
    /// Once or not at all.
    Optional(Box<Self>),
    /// Any number of times.
    Repeat(Box<Self>),
}

impl Expression {
    /// The rules that it names.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Rule(name) => vec![name],
            Self::Text(_) | Self::Character(_) => Vec::new(),
            Self::Choice(parts) | Self::Sequence(parts) => parts.iter().flat_map(Self::names).collect(),
            Self::Optional(part) | Self::Repeat(part) => part.names(),
        }
    }
}

/// Reads a rule; the names that it uses are checked by [`check`].
pub fn read(entry: &Entry<'_>, faults: &mut Faults) -> Option<Rule> {
    let name = entry.name("name", "a rule", Case::Snake, faults);
    let text = entry.text("is", faults);
    let doc = entry.text("doc", faults).unwrap_or_default();
    let text = text?;
    match parse(&text) {
        Ok(is) => Some(Rule { name: name?, text, is, doc }),
        Err(reason) => {
            faults.add(Problem::Grammar { text, reason }, entry.span_of("is"));
            None
        }
    }
}

/// Notes names of rules that are not there. `spans` are those of the rules.
pub fn check(rules: &[Rule], declared: &[String], spans: &[Range<usize>], faults: &mut Faults) {
    for (rule, span) in rules.iter().zip(spans) {
        for name in rule.is.names() {
            if !declared.iter().any(|known| known == name) {
                let known = declared.to_vec();
                let nearest = nearest(name, declared.iter().map(String::as_str)).map(str::to_owned);
                faults.add(Problem::Unknown { what: "rule", name: name.to_owned(), nearest, known }, span.clone());
            }
        }
    }
}

/// Parses one rule.
fn parse(text: &str) -> Result<Expression, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0 };
    let expression = parser.choice()?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some(token) => Err(format!("{token} is not expected there")),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Text(String),
    Name(String),
    Sign(char),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Name(name) => f.write_str(name),
            Self::Sign(sign) => write!(f, "`{sign}`"),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => {
                let end = rest[1..].find(first).ok_or_else(|| format!("a terminal has no {first} at its end"))?;
                if end == 0 {
                    return Err("a terminal is empty".to_owned());
                }
                tokens.push(Token::Text(rest[1..=end].to_owned()));
                end + 2
            }
            '?' => {
                let end = rest[1..].find('?').ok_or("a special sequence has no ? at its end")?;
                let digits = rest[1..=end].trim().strip_prefix("U+");
                let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let character = number.and_then(char::from_u32);
                let character = character.ok_or("a special sequence is no character, as `? U+FEFF ?`")?;
                tokens.push(Token::Text(character.to_string()));
                end + 2
            }
            '|' | ',' | '[' | ']' | '{' | '}' | '(' | ')' | '-' => {
                tokens.push(Token::Sign(first));
                1
            }
            c if c.is_ascii_lowercase() => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push(Token::Name(rest[..end].to_owned()));
                end
            }
            c => return Err(format!("`{c}` means nothing there")),
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// The deepest nesting of groups, so that no text makes the reader recur without end.
const DEPTH: usize = 50;

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Parser<'_> {
    fn takes(&mut self, sign: char) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn choice(&mut self) -> Result<Expression, String> {
        let opened = self.tokens[..self.at].iter();
        if opened.filter(|token| matches!(token, Token::Sign('(' | '[' | '{'))).count() > DEPTH {
            return Err("groups are nested too deeply".to_owned());
        }
        let mut parts = vec![self.sequence()?];
        while self.takes('|') {
            parts.push(self.sequence()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Choice(parts) })
    }

    fn sequence(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.item()?];
        while self.takes(',') {
            parts.push(self.item()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Sequence(parts) })
    }

    fn item(&mut self) -> Result<Expression, String> {
        let token = self.tokens.get(self.at).ok_or("the rule ends where an item should be")?;
        self.at += 1;
        let (inner, end) = match token {
            Token::Text(text) => return Ok(Expression::Text(text.clone())),
            Token::Name(name) if name == CHARACTER => return self.character(),
            Token::Name(name) => return Ok(Expression::Rule(name.clone())),
            Token::Sign('(') => (self.choice()?, ')'),
            Token::Sign('[') => (Expression::Optional(Box::new(self.choice()?)), ']'),
            Token::Sign('{') => (Expression::Repeat(Box::new(self.choice()?)), '}'),
            Token::Sign(sign) => return Err(format!("`{sign}` stands where an item should be")),
        };
        if self.takes(end) { Ok(inner) } else { Err(format!("a group has no `{end}` at its end")) }
    }

    /// `character`, or all but some.
    fn character(&mut self) -> Result<Expression, String> {
        if !self.takes('-') {
            return Ok(Expression::Character(Vec::new()));
        }
        let excepted = self.item()?;
        let parts = if let Expression::Choice(parts) = excepted { parts } else { vec![excepted] };
        let single = |part: &Expression| match part {
            Expression::Text(text) if text.chars().count() == 1 => text.chars().next(),
            _ => None,
        };
        let characters: Option<Vec<char>> = parts.iter().map(single).collect();
        characters.map(Expression::Character).ok_or_else(|| "an exception is not a single character".to_owned())
    }
}
