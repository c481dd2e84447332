//! Defines the errors of the passes. Each error names what was wrong, where, and what would be right.

use std::fmt;
use std::ops::Range;

use super::features::Use;
use super::linker::FUNCTION_TABLE;
use super::pin::Layout;
use super::seal::Mismatch;
use super::stamp::StampError;
use super::{PAGE_SIZE, Signature};

/// Why a linked module cannot become the artifact.
#[derive(Clone, Debug)]
pub enum PassError {
    /// Not a valid WebAssembly module.
    Malformed(String),
    /// An unwinding placeholder has another type than the passes know.
    Placeholder {
        /// The import, as `module.name`.
        name: String,
        /// Its type in the passes.
        expected: Signature,
        /// Its type in the module.
        found: Signature,
    },
    /// No mutable `i32` global with a constant initial value can be the shadow stack pointer.
    NoStackPointer,
    /// The module does not have exactly one function table.
    FunctionTable {
        /// Number of its tables.
        found: usize,
    },
    /// A guarded import does not return an `i32`.
    Guard {
        /// The import, as `module.name`.
        import: String,
        /// Its type.
        found: Signature,
    },
    /// The memory comes from outside.
    MemoryImported {
        /// The import, as `module.name`.
        import: String,
    },
    /// The module does not have exactly one memory.
    MemoryCount {
        /// Number of its memories.
        found: usize,
    },
    /// The linked module starts with more memory than it is to have.
    TooManyPages {
        /// Pages it starts with.
        needed: u64,
        /// Pages it is to have.
        allowed: u64,
    },
    /// The linker did not export where it put something.
    LinkerGlobal {
        /// The missing export.
        name: &'static str,
    },
    /// A data segment's place is not a constant.
    SegmentOffset {
        /// Its index among the data segments.
        index: usize,
    },
    /// A data segment lies, wholly or partly, outside the memory.
    SegmentOutside {
        /// Its index among the active data segments.
        index: usize,
        /// Its addresses.
        segment: Range<u64>,
        /// The memory's size in bytes.
        memory: u32,
    },
    /// A data segment lies, wholly or partly, where the heap may begin.
    SegmentInHeap {
        /// Its index among the active data segments.
        index: usize,
        /// Its addresses.
        segment: Range<u64>,
        /// The heap's first address.
        heap_base: u32,
    },
    /// Stack or heap begin outside their regions.
    StackOrHeapOutside {
        /// The stack pointer's initial value.
        stack_top: u32,
        /// The heap's first address.
        heap_base: u32,
        /// The memory's size in bytes.
        memory: u32,
    },
    /// The stack starts in the middle of static data.
    StackInData {
        /// The stack pointer's initial value.
        stack_top: u32,
        /// Addresses of the static data.
        data: Range<u64>,
    },
    /// Static data and stack leave too little for the heap.
    HeapTooSmall {
        /// Where everything lies.
        layout: Box<Layout>,
        /// Bytes the heap must have.
        min_heap: u32,
    },
    /// Exports and imports are not the manifest's.
    Boundary(Vec<Mismatch>),
    /// The module uses features that the artifact does not claim to need.
    UnclaimedFeatures(Vec<Use>),
    /// The finished module does not validate with the claimed features alone.
    Invalid(String),
    /// The stamp cannot be written.
    Stamp(StampError),
}

impl fmt::Display for PassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => {
                write!(f, "the linked module is not valid WebAssembly: {error}")
            }
            Self::Placeholder { name, expected, found } => {
                write!(f, "the placeholder `{name}` is {found}; the unwind pass expects {expected}")
            }
            Self::NoStackPointer => write!(
                f,
                "no shadow stack pointer: expected a global `__stack_pointer`, or else a first mutable i32 global, \
                 defined in the module with a constant initial value"
            ),
            Self::FunctionTable { found } => write!(
                f,
                "protected calls go through the function table: expected exactly one table `{FUNCTION_TABLE}`, \
                 found {found} tables"
            ),
            Self::Guard { import, found } => write!(
                f,
                "the import `{import}` has a guard value, which takes the place of an i32 result, but is {found}: \
                 expected `(result i32)`"
            ),
            Self::MemoryImported { import } => write!(
                f,
                "the memory is imported as `{import}`: expected the module to define it (link without `--import-memory`)"
            ),
            Self::MemoryCount { found } => {
                write!(f, "the module has {found} memories: expected exactly one")
            }
            Self::TooManyPages { needed, allowed } => write!(
                f,
                "the linked module starts with {needed} pages ({} bytes) of memory: expected at most {allowed} ({} bytes); \
                 shrink static data, the stack (`-z stack-size`) or `--initial-memory`",
                needed.saturating_mul(PAGE_SIZE.into()),
                allowed.saturating_mul(PAGE_SIZE.into())
            ),
            Self::LinkerGlobal { name } => write!(
                f,
                "nothing proves that the memory's contents fit: expected the constant i32 global `{name}` among the \
                 exports (link with `--export={name}`)"
            ),
            Self::SegmentOffset { index } => write!(
                f,
                "data segment {index} is not placed at a constant address: expected `i32.const` (link without \
                 `--pie` and `--shared`)"
            ),
            Self::SegmentOutside { index, segment, memory } => write!(
                f,
                "data segment {index} lies at {}..{}: expected it to end within the memory's {memory} bytes",
                segment.start, segment.end
            ),
            Self::SegmentInHeap { index, segment, heap_base } => write!(
                f,
                "data segment {index} lies at {}..{}: expected it to end below the heap, which begins at {heap_base}",
                segment.start, segment.end
            ),
            Self::StackOrHeapOutside { stack_top, heap_base, memory } => write!(
                f,
                "the stack's top is {stack_top} and the heap begins at {heap_base}, in a memory of {memory} bytes: \
                 expected them in that order, each at most the next"
            ),
            Self::StackInData { stack_top, data } => write!(
                f,
                "the stack's top, {stack_top}, lies within static data at {}..{}: expected the stack wholly below or \
                 wholly above it",
                data.start, data.end
            ),
            Self::HeapTooSmall { layout, min_heap } => write!(
                f,
                "of {} bytes of memory, static data takes {} and the stack {}; the heap begins at {} and has {} left: \
                 expected at least {min_heap}",
                layout.memory, layout.static_data, layout.stack, layout.heap_base, layout.heap
            ),
            Self::Boundary(mismatches) => {
                write!(f, "the module's boundary is not the manifest's:")?;
                mismatches.iter().try_for_each(|m| write!(f, "\n  {m}"))
            }
            Self::UnclaimedFeatures(uses) => {
                write!(f, "the module uses WebAssembly features that its artifact does not claim:")?;
                uses.iter().try_for_each(|u| write!(f, "\n  {}: {}", u.feature, u.place))?;
                write!(f, "\nclaim them in the manifest, or compile without them (`-C target-feature`, `-mno-...`)")
            }
            Self::Invalid(error) => write!(
                f,
                "the module does not validate with the features that its artifact claims and no others: {error}"
            ),
            Self::Stamp(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PassError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Stamp(error) => Some(error),
            _ => None,
        }
    }
}
