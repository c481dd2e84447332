//! Replaces `memory.copy`, `memory.fill` and the saturating float-to-integer conversions by calls of injected functions
//! wherever the artifact does not claim those instructions' features, for engines older than them. Safe because each
//! function computes what its instruction does for every operand: overlapping copies, traps before the first byte is
//! written, NaN, infinities and both bounds.

use std::collections::BTreeMap;

use walrus::ir::{
    BinaryOp, Call, ExtendedLoad, Instr, InstrLocId, LoadKind, MemArg, StoreKind, UnaryOp, Visitor, VisitorMut,
    dfs_in_order, dfs_pre_order_mut,
};
use walrus::{FunctionBuilder, FunctionId, InstrSeqBuilder, LocalId, MemoryId, Module, ValType};

use super::Feature;

/// Lowers what `claimed` does not cover. Answers the instructions that are functions now, by name.
pub fn run(module: &mut Module, claimed: &[Feature]) -> Vec<&'static str> {
    let mut found = Found { claimed, operations: BTreeMap::new() };
    for (_, function) in module.funcs.iter_local() {
        dfs_in_order(&mut found, function, function.entry_block());
    }
    let functions: BTreeMap<_, _> =
        found.operations.into_iter().map(|(name, operation)| (name, operation.inject(module))).collect();

    let mut redirect = Redirect { functions: &functions };
    for (_, function) in module.funcs.iter_local_mut() {
        let entry = function.entry_block();
        dfs_pre_order_mut(&mut redirect, function, entry);
    }
    functions.into_keys().collect()
}

struct Found<'a> {
    claimed: &'a [Feature],
    operations: BTreeMap<&'static str, Operation>,
}

impl<'instr> Visitor<'instr> for Found<'_> {
    fn visit_instr(&mut self, instr: &'instr Instr, _: &'instr InstrLocId) {
        if let Some(operation) = Operation::of(instr)
            && !self.claimed.contains(&operation.feature())
        {
            self.operations.insert(operation.name(), operation);
        }
    }
}

struct Redirect<'a> {
    functions: &'a BTreeMap<&'static str, FunctionId>,
}

impl VisitorMut for Redirect<'_> {
    fn visit_instr_mut(&mut self, instr: &mut Instr, _: &mut InstrLocId) {
        if let Some(&func) = Operation::of(instr).and_then(|o| self.functions.get(o.name())) {
            *instr = Call { func }.into();
        }
    }
}

/// An instruction that can be lowered.
#[derive(Clone, Copy)]
enum Operation {
    Copy(MemoryId),
    Fill(MemoryId),
    Trunc(Trunc),
}

impl Operation {
    fn of(instr: &Instr) -> Option<Self> {
        match instr {
            Instr::MemoryCopy(copy) if copy.src == copy.dst => Some(Self::Copy(copy.src)),
            Instr::MemoryFill(fill) => Some(Self::Fill(fill.memory)),
            Instr::Unop(unop) => Trunc::of(unop.op).map(Self::Trunc),
            _ => None,
        }
    }

    fn feature(self) -> Feature {
        match self {
            Self::Copy(_) | Self::Fill(_) => Feature::BulkMemory,
            Self::Trunc(_) => Feature::NontrappingFptoint,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Copy(_) => "memory.copy",
            Self::Fill(_) => "memory.fill",
            Self::Trunc(trunc) => trunc.name,
        }
    }

    fn inject(self, module: &mut Module) -> FunctionId {
        let i32 = ValType::I32;
        let (params, results) = match self {
            Self::Copy(_) | Self::Fill(_) => (vec![i32, i32, i32], vec![]),
            Self::Trunc(trunc) => (vec![trunc.from], vec![trunc.to]),
        };
        let args: Vec<LocalId> = params.iter().map(|ty| module.locals.add(*ty)).collect();
        let pattern = module.locals.add(ValType::I64);
        let mut builder = FunctionBuilder::new(&mut module.types, &params, &results);
        builder.name(self.name().to_owned());
        let out = &mut builder.func_body();
        match self {
            Self::Copy(memory) => copy(out, memory, args[0], args[1], args[2]),
            Self::Fill(memory) => fill(out, memory, args[0], args[1], args[2], pattern),
            Self::Trunc(trunc) => trunc.body(out, args[0]),
        }
        builder.finish(args, &mut module.funcs)
    }
}

/// Eight bytes at a time, then one; away from the part of the source that the copy overwrites.
///
/// A chunk is read whole before it is written, so copying upwards never destroys what is still to be read when the
/// destination is below the source, nor copying downwards when it is above.
fn copy(out: &mut InstrSeqBuilder<'_>, memory: MemoryId, dst: LocalId, src: LocalId, len: LocalId) {
    trap_outside(out, memory, dst, len);
    trap_outside(out, memory, src, len);
    let move_chunk = |out: &mut InstrSeqBuilder<'_>, chunk: &Chunk, index: Option<LocalId>| {
        for base in [dst, src] {
            out.local_get(base);
            if let Some(index) = index {
                out.local_get(index).binop(BinaryOp::I32Add);
            }
        }
        out.load(memory, chunk.load, UNALIGNED).store(memory, chunk.store, UNALIGNED);
    };
    out.local_get(dst).local_get(src).binop(BinaryOp::I32Sub).local_get(len).binop(BinaryOp::I32LtU);
    out.if_else(
        None,
        |down| {
            for chunk in &CHUNKS {
                while_at_least(down, len, chunk.size, |body| {
                    add(body, len, -chunk.size);
                    move_chunk(body, chunk, Some(len));
                });
            }
        },
        |up| {
            for chunk in &CHUNKS {
                while_at_least(up, len, chunk.size, |body| {
                    move_chunk(body, chunk, None);
                    add(body, dst, chunk.size);
                    add(body, src, chunk.size);
                    add(body, len, -chunk.size);
                });
            }
        },
    );
}

fn fill(out: &mut InstrSeqBuilder<'_>, memory: MemoryId, dst: LocalId, value: LocalId, len: LocalId, pattern: LocalId) {
    trap_outside(out, memory, dst, len);
    out.local_get(value)
        .i32_const(0xff)
        .binop(BinaryOp::I32And)
        .unop(UnaryOp::I64ExtendUI32)
        .i64_const(0x0101_0101_0101_0101)
        .binop(BinaryOp::I64Mul)
        .local_set(pattern);
    for chunk in &CHUNKS {
        while_at_least(out, len, chunk.size, |body| {
            body.local_get(dst).local_get(pattern).store(memory, chunk.store, UNALIGNED);
            add(body, dst, chunk.size);
            add(body, len, -chunk.size);
        });
    }
}

/// What one round of a loop moves.
struct Chunk {
    size: i32,
    load: LoadKind,
    store: StoreKind,
}

const CHUNKS: [Chunk; 2] = [
    Chunk { size: 8, load: LoadKind::I64 { atomic: false }, store: StoreKind::I64 { atomic: false } },
    Chunk {
        size: 1,
        load: LoadKind::I64_8 { kind: ExtendedLoad::ZeroExtend },
        store: StoreKind::I64_8 { atomic: false },
    },
];

const UNALIGNED: MemArg = MemArg { align: 1, offset: 0 };

/// Traps if `len` bytes at `start` are not all in memory, as the instructions do before they write anything.
fn trap_outside(out: &mut InstrSeqBuilder<'_>, memory: MemoryId, start: LocalId, len: LocalId) {
    const PAGE_SHIFT: i64 = super::PAGE_SIZE.trailing_zeros() as i64;
    out.local_get(start)
        .unop(UnaryOp::I64ExtendUI32)
        .local_get(len)
        .unop(UnaryOp::I64ExtendUI32)
        .binop(BinaryOp::I64Add)
        .memory_size(memory)
        .unop(UnaryOp::I64ExtendUI32)
        .i64_const(PAGE_SHIFT)
        .binop(BinaryOp::I64Shl)
        .binop(BinaryOp::I64GtU)
        .if_else(
            None,
            |outside| {
                outside.unreachable();
            },
            |_| {},
        );
}

fn while_at_least(out: &mut InstrSeqBuilder<'_>, len: LocalId, size: i32, body: impl FnOnce(&mut InstrSeqBuilder<'_>)) {
    out.block(None, |done| {
        let end = done.id();
        done.loop_(None, |round| {
            let start = round.id();
            round.local_get(len).i32_const(size).binop(BinaryOp::I32LtU).br_if(end);
            body(round);
            round.br(start);
        });
    });
}

fn add(out: &mut InstrSeqBuilder<'_>, local: LocalId, amount: i32) {
    out.local_get(local).i32_const(amount).binop(BinaryOp::I32Add).local_set(local);
}

/// A saturating conversion.
#[derive(Clone, Copy)]
struct Trunc {
    name: &'static str,
    from: ValType,
    to: ValType,
    /// The instruction that traps where this one saturates.
    trapping: UnaryOp,
    /// The least and the greatest result, as the bits of an `i64`.
    bounds: (i64, i64),
    /// The same two in floating point, the second plus one: both exact in `f32` too, being powers of two or zero.
    limits: (f64, f64),
}

impl Trunc {
    fn of(op: UnaryOp) -> Option<Self> {
        use UnaryOp as U;
        use ValType::{F32, F64, I32, I64};

        let (name, from, to, signed, trapping) = match op {
            U::I32TruncSSatF32 => ("i32.trunc_sat_f32_s", F32, I32, true, U::I32TruncSF32),
            U::I32TruncUSatF32 => ("i32.trunc_sat_f32_u", F32, I32, false, U::I32TruncUF32),
            U::I32TruncSSatF64 => ("i32.trunc_sat_f64_s", F64, I32, true, U::I32TruncSF64),
            U::I32TruncUSatF64 => ("i32.trunc_sat_f64_u", F64, I32, false, U::I32TruncUF64),
            U::I64TruncSSatF32 => ("i64.trunc_sat_f32_s", F32, I64, true, U::I64TruncSF32),
            U::I64TruncUSatF32 => ("i64.trunc_sat_f32_u", F32, I64, false, U::I64TruncUF32),
            U::I64TruncSSatF64 => ("i64.trunc_sat_f64_s", F64, I64, true, U::I64TruncSF64),
            U::I64TruncUSatF64 => ("i64.trunc_sat_f64_u", F64, I64, false, U::I64TruncUF64),
            _ => return None,
        };
        let (bounds, limits) = match (to, signed) {
            (I32, true) => ((i32::MIN.into(), i32::MAX.into()), (-2_147_483_648.0, 2_147_483_648.0)),
            (I32, false) => ((0, u32::MAX.into()), (0.0, 4_294_967_296.0)),
            (_, true) => ((i64::MIN, i64::MAX), (-9_223_372_036_854_775_808.0, 9_223_372_036_854_775_808.0)),
            (_, false) => ((0, u64::MAX.cast_signed()), (0.0, 18_446_744_073_709_551_616.0)),
        };
        Some(Self { name, from, to, trapping, bounds, limits })
    }

    /// Between the limits the trapping instruction does not trap; at the lower one it is not needed.
    fn body(self, out: &mut InstrSeqBuilder<'_>, x: LocalId) {
        let (least, greatest) = self.bounds;
        let (low, high) = self.limits;
        self.compare(out, x, BinaryOp::F32Lt, BinaryOp::F64Lt, high);
        out.if_else(
            self.to,
            |below_high| {
                self.compare(below_high, x, BinaryOp::F32Gt, BinaryOp::F64Gt, low);
                below_high.if_else(
                    self.to,
                    |between| {
                        between.local_get(x).unop(self.trapping);
                    },
                    |at_low| self.constant(at_low, least),
                );
            },
            |at_high_or_nan| {
                self.compare(at_high_or_nan, x, BinaryOp::F32Ge, BinaryOp::F64Ge, high);
                at_high_or_nan.if_else(
                    self.to,
                    |at_high| self.constant(at_high, greatest),
                    |nan| self.constant(nan, 0),
                );
            },
        );
    }

    fn compare(self, out: &mut InstrSeqBuilder<'_>, x: LocalId, narrow: BinaryOp, wide: BinaryOp, limit: f64) {
        out.local_get(x);
        match self.from {
            ValType::F32 => out.f32_const(limit as f32).binop(narrow),
            _ => out.f64_const(limit).binop(wide),
        };
    }

    fn constant(self, out: &mut InstrSeqBuilder<'_>, bits: i64) {
        match self.to {
            ValType::I32 => out.i32_const(bits as i32),
            _ => out.i64_const(bits),
        };
    }
}
