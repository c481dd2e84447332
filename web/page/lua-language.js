/**
 * Lua 5.4 for the editor: a tokenizer for its highlighting and indentation, and the words that it completes.
 *
 * @import { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete'
 * @import { StreamParser, StringStream } from '@codemirror/language'
 */

const KEYWORDS = 'and break do else elseif end for function goto if in local not or repeat return then until while';

const LIBRARIES = {
  '': `_G _VERSION assert collectgarbage error getmetatable ipairs load next pairs pcall print rawequal rawget rawlen rawset
    require select setmetatable tonumber tostring type warn xpcall _home _io`,
  coroutine: 'close create isyieldable resume running status wrap yield',
  debug: 'getinfo getlocal getmetatable traceback',
  ext: 'attach collect id size table',
  io: 'read write',
  math: 'abs ceil cos deg exp floor fmod huge log max maxinteger min mininteger modf pi rad random randomseed sin sqrt tan tointeger type ult',
  os: 'clock date difftime time',
  string: 'byte char dump find format gmatch gsub len lower match pack packsize rep reverse sub unpack upper',
  table: 'concat insert move pack remove sort unpack',
  utf8: 'char charpattern codepoint codes len offset',
};

/** @type {Completion[]} */
const WORDS = [
  ...KEYWORDS.split(' ').map((label) => ({ label, type: 'keyword' })),
  ...Object.entries(LIBRARIES).flatMap(([library, names]) =>
    names.split(/\s+/).map((name) => ({ label: library === '' ? name : `${library}.${name}`, type: 'function' })),
  ),
];

const keywords = new Set(KEYWORDS.split(' '));
const libraryNames = new Set(WORDS.filter(({ type }) => type === 'function').map(({ label }) => label));
const constants = new Set(['true', 'false', 'nil']);

const NUMBER = /^(?:0[xX](?:[\da-fA-F]+\.?[\da-fA-F]*|\.[\da-fA-F]+)(?:[pP][+-]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/;
const LONG_BRACKET = /^\[(=*)\[/;

/** Words and brackets that a block begins with, or ends with. `elseif` and `else` do both. */
const OPENING = /^(?:function|then|do|repeat|else|\{|\()$/;
const CLOSING = /^(?:end|until|elseif|else|\}|\))$/;
const CLOSING_LINE = /^\s*(?:(?:end|until|elseif|else)\b|\}|\))/;

/**
 * @typedef {object} State
 * @property {number} depth of blocks
 * @property {string} until what ends the long string or comment that is open; empty if none is
 * @property {'string' | 'comment'} style of that
 */

/**
 * @param {StringStream} stream
 * @param {State} state
 * @returns {string | null} the style of the next token
 */
function token(stream, state) {
  if (state.until !== '') return longToken(stream, state);
  if (stream.eatSpace()) return null;
  if (stream.match('--')) {
    if (openLong(stream, state, 'comment')) return longToken(stream, state);
    stream.skipToEnd();
    return 'comment';
  }
  if (openLong(stream, state, 'string')) return longToken(stream, state);
  if (stream.match(/^(["'])(?:\\.|(?!\1)[^\\])*(?:\1|\\?$)/)) return 'string';
  if (stream.match(NUMBER)) return 'number';
  if (stream.match(/^[A-Za-z_]\w*/)) return word(stream, state);
  // A field is no keyword and no library's name.
  if (stream.match(/^[.:][A-Za-z_]\w*/)) return 'propertyName';
  if (!stream.match(/^\.{2,3}/)) stream.next();
  count(stream.current(), state);
  return null;
}

/**
 * @param {StringStream} stream behind a word
 * @param {State} state
 */
function word(stream, state) {
  const text = stream.current();
  if (constants.has(text)) return 'atom';
  if (keywords.has(text)) {
    count(text, state);
    return 'keyword';
  }
  const field = stream.match(/^\.[A-Za-z_]\w*/, false);
  if (Array.isArray(field) && libraryNames.has(text + field[0])) {
    stream.match(field[0]);
    return 'variableName.standard';
  }
  return libraryNames.has(text) || text in LIBRARIES ? 'variableName.standard' : 'variableName';
}

/**
 * @param {string} text of a token
 * @param {State} state
 */
function count(text, state) {
  if (CLOSING.test(text)) state.depth = Math.max(0, state.depth - 1);
  if (OPENING.test(text)) state.depth++;
}

/**
 * @param {StringStream} stream
 * @param {State} state
 * @param {'string' | 'comment'} style
 * @returns {boolean} whether a long string or comment begins here
 */
function openLong(stream, state, style) {
  const match = stream.match(LONG_BRACKET);
  if (!Array.isArray(match)) return false;
  state.until = `]${match[1]}]`;
  state.style = style;
  return true;
}

/**
 * @param {StringStream} stream
 * @param {State} state
 */
function longToken(stream, state) {
  const end = stream.string.indexOf(state.until, stream.pos);
  if (end < 0) {
    stream.skipToEnd();
  } else {
    stream.pos = end + state.until.length;
    state.until = '';
  }
  return state.style;
}

/**
 * Complete the word that is being written. One that is complete already is left alone: Enter after `end` is to begin a line.
 *
 * @param {CompletionContext} context
 * @returns {CompletionResult | null}
 */
export function complete(context) {
  const word = context.matchBefore(/[A-Za-z_][\w.]*/);
  if (word === null || (word.text.length < 2 && !context.explicit)) return null;
  const options = WORDS.filter(({ label }) => label.startsWith(word.text) && label !== word.text);
  return options.length === 0 ? null : { from: word.from, options, filter: false };
}

/** @type {StreamParser<State>} */
export const luaParser = {
  name: 'lua',
  startState: () => ({ depth: 0, until: '', style: 'string' }),
  copyState: (state) => ({ ...state }),
  token,
  indent(state, textAfter, context) {
    if (state.until !== '') return null;
    return context.unit * Math.max(0, state.depth - (CLOSING_LINE.test(textAfter) ? 1 : 0));
  },
  languageData: {
    indentOnInput: /^\s*(?:end|until|elseif|else|\}|\))$/,
    commentTokens: { line: '--', block: { open: '--[[', close: ']]' } },
    closeBrackets: { brackets: ['(', '[', '{', '"', "'"] },
  },
};
