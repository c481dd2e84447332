//! Finds what `wasm-ld` leaves in a module for tools: the globals that tell how it laid out memory.

use walrus::ir::Value;
use walrus::{ConstExpr, ExportItem, GlobalId, GlobalKind, Module, ValType};

use super::PassError;

/// End of static data and of a stack placed behind it; the heap may begin here.
pub const HEAP_BASE: &str = "__heap_base";
/// End of static data, zeroed part included.
pub const DATA_END: &str = "__data_end";
/// The table of every function whose address is taken.
pub const FUNCTION_TABLE: &str = "__indirect_function_table";

const STACK_POINTER: &str = "__stack_pointer";

/// The shadow stack pointer, and the address it starts from (the stack's top; it grows down).
///
/// Found by name; in a module without names it is the first mutable `i32` global, which is where `wasm-ld` puts it.
pub fn stack_pointer(module: &Module) -> Result<(GlobalId, u32), PassError> {
    let candidates = || module.globals.iter().filter(|g| g.mutable && g.ty == ValType::I32);
    let global = candidates()
        .find(|g| g.name.as_deref() == Some(STACK_POINTER))
        .or_else(|| candidates().next())
        .ok_or(PassError::NoStackPointer)?;
    let top = constant(module, global.id()).ok_or(PassError::NoStackPointer)?;
    Ok((global.id(), top))
}

/// The address held by an exported constant global such as [`HEAP_BASE`].
pub fn address(module: &Module, name: &str) -> Option<u32> {
    let export = module.exports.iter().find(|e| e.name == name)?;
    match export.item {
        ExportItem::Global(id) => constant(module, id),
        _ => None,
    }
}

fn constant(module: &Module, id: GlobalId) -> Option<u32> {
    match module.globals.get(id).kind {
        GlobalKind::Local(ConstExpr::Value(Value::I32(value))) => Some(value.cast_unsigned()),
        _ => None,
    }
}
