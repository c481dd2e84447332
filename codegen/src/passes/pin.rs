//! Gives the memory exactly one size, makes every `memory.grow` answer -1, and proves that static data, stack and heap
//! fit. Safe because -1 is what `memory.grow` answers anyway in a memory that is at its maximum, and because a module
//! whose data, stack or heap would lie outside the memory is refused.

use std::ops::Range;

use walrus::ir::{Const, Drop, Instr, InstrLocId, InstrSeq, Value, VisitorMut, dfs_pre_order_mut};
use walrus::{ConstExpr, DataKind, Module};

use super::linker::{self, DATA_END, HEAP_BASE};
use super::{PAGE_SIZE, PassError};

/// Where everything lies in the pinned memory. Sizes and addresses are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Size of the whole memory.
    pub memory: u32,
    /// Static data, zeroed part included.
    pub static_data: u32,
    /// The shadow stack, whose pointer starts at the region's end.
    pub stack: u32,
    /// Whether the stack lies below the data, so that overrunning it traps instead of overwriting data.
    pub stack_first: bool,
    /// Address at which the heap may begin.
    pub heap_base: u32,
    /// What is left for the heap, up to the memory's end.
    pub heap: u32,
    /// Number of `memory.grow` instructions that now answer -1.
    pub grows: usize,
}

/// Pins the module's memory at `pages` pages, at least `min_heap` bytes of which must be left for the heap.
pub fn run(module: &mut Module, pages: u32, min_heap: u32) -> Result<Layout, PassError> {
    let limit = u64::from(pages) * u64::from(PAGE_SIZE);
    let Ok(memory_size) = u32::try_from(limit) else {
        return Err(PassError::TooManyPages { needed: pages.into(), allowed: u64::from(u32::MAX / PAGE_SIZE) });
    };
    pin_memory(module, pages)?;

    let mut layout = lay_out(module, memory_size)?;
    if layout.heap < min_heap {
        return Err(PassError::HeapTooSmall { layout: Box::new(layout), min_heap });
    }
    layout.grows = answer_grows(module);
    Ok(layout)
}

fn pin_memory(module: &mut Module, pages: u32) -> Result<(), PassError> {
    if let Some(import) = module.memories.iter().find_map(|memory| memory.import).map(|id| module.imports.get(id)) {
        return Err(PassError::MemoryImported { import: format!("{}.{}", import.module, import.name) });
    }
    let count = module.memories.len();
    let mut memories = module.memories.iter_mut();
    let (Some(memory), None) = (memories.next(), memories.next()) else {
        return Err(PassError::MemoryCount { found: count });
    };
    if memory.initial > u64::from(pages) {
        return Err(PassError::TooManyPages { needed: memory.initial, allowed: pages.into() });
    }
    memory.initial = pages.into();
    memory.maximum = Some(pages.into());
    Ok(())
}

/// Reads the linker's layout and checks it against itself and against the memory's size.
///
/// `wasm-ld` knows two orders: stack, data, heap (`--stack-first`) and data, stack, heap.
fn lay_out(module: &Module, memory: u32) -> Result<Layout, PassError> {
    let (_, stack_top) = linker::stack_pointer(module)?;
    let heap_base = linker::address(module, HEAP_BASE).ok_or(PassError::LinkerGlobal { name: HEAP_BASE })?;
    let segments = segments(module)?;
    let segments_start = segments.iter().map(|s| s.start).min();
    let data_end = match linker::address(module, DATA_END) {
        Some(address) => u64::from(address),
        None => segments.iter().map(|s| s.end).max().unwrap_or(0),
    };

    for (index, segment) in segments.iter().enumerate() {
        if segment.end > u64::from(memory) {
            return Err(PassError::SegmentOutside { index, segment: segment.clone(), memory });
        }
        if segment.end > u64::from(heap_base) {
            return Err(PassError::SegmentInHeap { index, segment: segment.clone(), heap_base });
        }
    }
    if stack_top > heap_base || heap_base > memory {
        return Err(PassError::StackOrHeapOutside { stack_top, heap_base, memory });
    }

    let stack_first = data_end >= u64::from(stack_top);
    let (static_data, stack) = if stack_first {
        if let Some(start) = segments_start.filter(|start| *start < u64::from(stack_top)) {
            return Err(PassError::StackInData { stack_top, data: start..data_end });
        }
        (data_end - u64::from(stack_top), u64::from(stack_top))
    } else {
        let start = segments_start.unwrap_or(data_end);
        (data_end - start, u64::from(stack_top) - data_end)
    };

    let bytes = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
    Ok(Layout {
        memory,
        static_data: bytes(static_data),
        stack: bytes(stack),
        stack_first,
        heap_base,
        heap: memory - heap_base,
        grows: 0,
    })
}

/// The address ranges of the active data segments, in the module's order.
fn segments(module: &Module) -> Result<Vec<Range<u64>>, PassError> {
    module
        .data
        .iter()
        .enumerate()
        .filter_map(|(index, data)| match &data.kind {
            DataKind::Passive => None,
            DataKind::Active { offset, .. } => Some(match offset {
                ConstExpr::Value(Value::I32(offset)) => {
                    let start = u64::from(offset.cast_unsigned());
                    Ok(start..start + data.value.len() as u64)
                }
                _ => Err(PassError::SegmentOffset { index }),
            }),
        })
        .collect()
}

fn answer_grows(module: &mut Module) -> usize {
    let mut grows = AnswerGrows { count: 0 };
    for (_, function) in module.funcs.iter_local_mut() {
        let entry = function.entry_block();
        dfs_pre_order_mut(&mut grows, function, entry);
    }
    grows.count
}

struct AnswerGrows {
    count: usize,
}

impl VisitorMut for AnswerGrows {
    fn start_instr_seq_mut(&mut self, seq: &mut InstrSeq) {
        if !seq.iter().any(|(i, _)| matches!(i, Instr::MemoryGrow(_))) {
            return;
        }
        let mut rewritten: Vec<(Instr, InstrLocId)> = Vec::with_capacity(seq.len() + 1);
        for (instr, location) in seq.instrs.drain(..) {
            if let Instr::MemoryGrow(_) = instr {
                self.count += 1;
                let refused = Value::I32(-1);
                rewritten.push((Drop {}.into(), location));
                rewritten.push((Const { value: refused }.into(), location));
            } else {
                rewritten.push((instr, location));
            }
        }
        seq.instrs = rewritten;
    }
}
