//! Writes the functions of the kit's module: expressions on numbers of 32 bits as trees, and the control flow that they need.

use std::ops::{Add, Mul, Sub};

use wasm_encoder::{BlockType, Function, Instruction, MemArg, MemArgTarget, ValType};

use super::runtime::Call;

/// An expression. All numbers have 32 bits.
#[derive(Clone, Debug)]
pub enum Value {
    /// A constant.
    Number(i32),
    /// A parameter or a local.
    Local(u32),
    /// The byte or the word at an address.
    Load(Width, Box<Self>),
    /// Two operands and what is done with them.
    Binary(Operator, Box<(Self, Self)>),
    /// The result of a function.
    Call(Call, Vec<Self>),
}

/// How many bytes are read or written.
#[derive(Clone, Copy, Debug)]
pub enum Width {
    /// One.
    Byte,
    /// Four, little-endian.
    Word,
}

/// What an expression does with two numbers.
#[derive(Clone, Copy, Debug)]
pub enum Operator {
    /// The sum.
    Add,
    /// The difference.
    Subtract,
    /// The product.
    Multiply,
    /// The quotient, without signs.
    Divide,
    /// The remainder, without signs.
    Remainder,
    /// The bits that both have.
    And,
    /// The bits that one has.
    Or,
    /// The bits that only one has.
    Xor,
    /// The first, shifted to the right by the second.
    Shift,
    /// 1 if they are equal.
    Equal,
    /// 1 if they differ.
    Differ,
    /// 1 if the first is less, without signs.
    Below,
    /// 1 if the first is less, with signs.
    Less,
}

impl Operator {
    fn instruction(self) -> Instruction<'static> {
        match self {
            Self::Add => Instruction::I32Add,
            Self::Subtract => Instruction::I32Sub,
            Self::Multiply => Instruction::I32Mul,
            Self::Divide => Instruction::I32DivU,
            Self::Remainder => Instruction::I32RemU,
            Self::And => Instruction::I32And,
            Self::Or => Instruction::I32Or,
            Self::Xor => Instruction::I32Xor,
            Self::Shift => Instruction::I32ShrU,
            Self::Equal => Instruction::I32Eq,
            Self::Differ => Instruction::I32Ne,
            Self::Below => Instruction::I32LtU,
            Self::Less => Instruction::I32LtS,
        }
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.cast_signed())
    }
}

impl From<&Self> for Value {
    fn from(value: &Self) -> Self {
        value.clone()
    }
}

impl<V: Into<Self>> Add<V> for Value {
    type Output = Self;
    fn add(self, other: V) -> Self {
        self.with(Operator::Add, other)
    }
}

impl<V: Into<Self>> Sub<V> for Value {
    type Output = Self;
    fn sub(self, other: V) -> Self {
        self.with(Operator::Subtract, other)
    }
}

impl<V: Into<Self>> Mul<V> for Value {
    type Output = Self;
    fn mul(self, other: V) -> Self {
        self.with(Operator::Multiply, other)
    }
}

impl Value {
    /// Combines two numbers.
    pub fn with(self, operator: Operator, other: impl Into<Self>) -> Self {
        Self::Binary(operator, Box::new((self, other.into())))
    }

    /// Whether both are the same number.
    pub fn equals(self, other: impl Into<Self>) -> Self {
        self.with(Operator::Equal, other)
    }

    /// Whether they are two numbers.
    pub fn differs(self, other: impl Into<Self>) -> Self {
        self.with(Operator::Differ, other)
    }

    /// Whether this is less, as numbers without sign.
    pub fn below(self, other: impl Into<Self>) -> Self {
        self.with(Operator::Below, other)
    }

    /// Whether this is less, as numbers with sign.
    pub fn less(self, other: impl Into<Self>) -> Self {
        self.with(Operator::Less, other)
    }

    /// The bits of both; for conditions, whether both hold. Both are evaluated.
    pub fn and(self, other: impl Into<Self>) -> Self {
        self.with(Operator::And, other)
    }

    /// The bits of either; for conditions, whether one holds. Both are evaluated.
    pub fn or(self, other: impl Into<Self>) -> Self {
        self.with(Operator::Or, other)
    }

    /// The quotient.
    pub fn divided_by(self, other: impl Into<Self>) -> Self {
        self.with(Operator::Divide, other)
    }

    /// The remainder.
    pub fn modulo(self, other: impl Into<Self>) -> Self {
        self.with(Operator::Remainder, other)
    }

    /// The byte at this address.
    pub fn byte(self) -> Self {
        Self::Load(Width::Byte, Box::new(self))
    }

    /// The word at this address, which need not be aligned.
    pub fn word(self) -> Self {
        Self::Load(Width::Word, Box::new(self))
    }

    fn assemble(&self, body: &mut Vec<Instruction<'static>>) {
        match self {
            Self::Number(number) => body.push(Instruction::I32Const(*number)),
            Self::Local(local) => body.push(Instruction::LocalGet(*local)),
            Self::Load(width, address) => {
                address.assemble(body);
                body.push(match width {
                    Width::Byte => Instruction::I32Load8U(ANYWHERE),
                    Width::Word => Instruction::I32Load(ANYWHERE),
                });
            }
            Self::Binary(operator, operands) => {
                operands.0.assemble(body);
                operands.1.assemble(body);
                body.push(operator.instruction());
            }
            Self::Call(call, arguments) => {
                debug_assert_eq!(arguments.len(), call.params(), "{call:?}");
                arguments.iter().for_each(|argument| argument.assemble(body));
                body.push(Instruction::Call(call.index()));
            }
        }
    }
}

/// An access that is not aligned.
const ANYWHERE: MemArg = MemArg { offset: 0, align: 0, target: MemArgTarget::Memory(0), ordering: None };

/// A function that is being written. It has one result.
#[derive(Debug)]
pub struct Code {
    params: u32,
    locals: u32,
    body: Vec<Instruction<'static>>,
}

impl Code {
    /// Begins a function.
    pub fn new(params: usize) -> Self {
        Self { params: params as u32, locals: 0, body: Vec::new() }
    }

    /// A parameter, from 0 on.
    pub fn param(&self, number: u32) -> Value {
        debug_assert!(number < self.params);
        Value::Local(number)
    }

    /// Puts the statements of other code, which has no variables, in front of those that are there.
    pub fn begin_with(&mut self, other: Self) {
        debug_assert_eq!(other.locals, 0);
        self.body.splice(0..0, other.body);
    }

    /// The finished function, which ends with its result.
    pub fn finish(mut self, result: impl Into<Value>) -> Function {
        result.into().assemble(&mut self.body);
        let mut function = Function::new([(self.locals, ValType::I32)]);
        for instruction in &self.body {
            function.instruction(instruction);
        }
        function.instruction(&Instruction::End);
        function
    }
}

/// The statements of a function. Blocks are closures, which get the same writer.
pub trait Write: Sized {
    /// The function that is being written.
    fn code(&mut self) -> &mut Code;

    /// Declares a variable.
    fn local(&mut self, value: impl Into<Value>) -> Value {
        let code = self.code();
        let local = code.params + code.locals;
        code.locals += 1;
        let local = Value::Local(local);
        self.assign(&local, value);
        local
    }

    /// Assigns to a variable.
    ///
    /// # Panics
    ///
    /// If it is none.
    fn assign(&mut self, local: &Value, value: impl Into<Value>) {
        let Value::Local(index) = local else { panic!("{local:?} is no variable") };
        let code = self.code();
        value.into().assemble(&mut code.body);
        code.body.push(Instruction::LocalSet(*index));
    }

    /// Evaluates for what it does.
    fn run(&mut self, value: impl Into<Value>) {
        let code = self.code();
        value.into().assemble(&mut code.body);
        code.body.push(Instruction::Drop);
    }

    /// Writes a byte or a word.
    fn store(&mut self, width: Width, address: impl Into<Value>, value: impl Into<Value>) {
        let code = self.code();
        address.into().assemble(&mut code.body);
        value.into().assemble(&mut code.body);
        code.body.push(match width {
            Width::Byte => Instruction::I32Store8(ANYWHERE),
            Width::Word => Instruction::I32Store(ANYWHERE),
        });
    }

    /// Ends the function with a result.
    fn answer(&mut self, value: impl Into<Value>) {
        let code = self.code();
        value.into().assemble(&mut code.body);
        code.body.push(Instruction::Return);
    }

    /// Runs a block if a condition holds.
    fn when(&mut self, condition: impl Into<Value>, block: impl FnOnce(&mut Self)) {
        let code = self.code();
        condition.into().assemble(&mut code.body);
        code.body.push(Instruction::If(BlockType::Empty));
        block(self);
        self.code().body.push(Instruction::End);
    }

    /// Runs a block as long as a condition holds.
    fn while_(&mut self, condition: impl Into<Value>, block: impl FnOnce(&mut Self)) {
        let code = self.code();
        code.body.extend([Instruction::Block(BlockType::Empty), Instruction::Loop(BlockType::Empty)]);
        condition.into().assemble(&mut code.body);
        code.body.extend([Instruction::I32Eqz, Instruction::BrIf(1)]);
        block(self);
        self.code().body.extend([Instruction::Br(0), Instruction::End, Instruction::End]);
    }

    /// Runs a block for each number from one on, up to one that is not among them.
    fn each(&mut self, from: impl Into<Value>, to: impl Into<Value>, block: impl FnOnce(&mut Self, &Value)) {
        let number = self.local(from);
        let to = self.local(to);
        self.while_(number.clone().below(&to), |this| {
            block(this, &number);
            this.assign(&number, number.clone() + 1);
        });
    }
}

impl Write for Code {
    fn code(&mut self) -> &mut Code {
        self
    }
}
