//! Replaces the placeholders `unwind.try` and `unwind.throw`, which Lua's `LUAI_TRY` and `LUAI_THROW` call, by
//! exception-handling instructions or by two host imports, and puts a guard around imports that may throw.
//! Safe because both placeholders keep their function types and their callers, no frame between a throw and its try
//! has anything left to do, and the only state such a frame leaves behind, the shadow stack pointer, is restored.
//!
//! A guard uses `catch_all`: any exception that comes out of the import, a host's own or a Lua error of this module,
//! ends as the import's guard value. (A Lua error cannot come out of an import in practice: every export that could
//! raise one runs it in a protected call, so it ends before it reaches the host.) Traps are no exceptions and pass.
//!
//! Every protected body ends with an instruction after its call. WebKit (seen in WebKitGTK 2.50) does not catch what
//! is thrown from a `call_indirect` that is the last instruction of a `try` or `try_table` body.

use walrus::ir::{Instr, InstrSeqType, LegacyCatch, Return, Try, TryTable, TryTableCatch};
use walrus::{
    FunctionBuilder, FunctionId, FunctionKind, GlobalId, ImportKind, InstrSeqBuilder, LocalId, Module, TableId, TagId,
    ValType,
};

use super::linker::{self, FUNCTION_TABLE};
use super::{Import, PassError, Signature};

const PLACEHOLDERS: &str = "unwind";

/// The module that [`Unwind::Host`] imports from.
pub const HOST_MODULE: &str = "env";
/// The host's protected call, `(f, L, ud)`: calls entry `f` of the exported function table with `L` and `ud`, and
/// returns when that returns or when [`HOST_THROW`] was called below it.
pub const HOST_TRY: &str = "lua_try";
/// The host's throw: unwinds to the innermost [`HOST_TRY`]; never returns.
pub const HOST_THROW: &str = "lua_throw";

/// How Lua errors unwind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwind {
    /// `try`, `catch` and `throw`: every JavaScript engine since 2021.
    Legacy,
    /// `try_table`: stand-alone runtimes and current browsers.
    Exnref,
    /// Two more imports, [`HOST_TRY`] and [`HOST_THROW`], for engines that know neither.
    Host,
}

/// `try`'s and `throw`'s types, as the placeholders and the host's imports have them.
pub(super) fn signatures() -> (Signature, Signature) {
    let i32 = ValType::I32;
    (Signature::new(&[i32, i32, i32], &[]), Signature::new(&[], &[]))
}

/// Replaces the placeholders, and guards those of `imports` that have a guard value. A module that has no placeholder,
/// or lacks a guarded import, is left as it is in that respect: whether something is missing is for `seal` to say.
pub fn run(module: &mut Module, mode: Unwind, imports: &[Import]) -> Result<(), PassError> {
    let (try_signature, throw_signature) = signatures();
    let try_ = placeholder(module, "try", &try_signature)?;
    let throw = placeholder(module, "throw", &throw_signature)?;

    let eh = match mode {
        Unwind::Legacy => Eh::Legacy,
        Unwind::Exnref => Eh::Exnref,
        Unwind::Host => return host(module, try_, throw),
    };
    if try_.is_some() || throw.is_some() {
        let tag = lua_error_tag(module);
        if let Some(function) = try_ {
            inject_try(module, eh, function, tag)?;
        }
        if let Some(function) = throw {
            inject_throw(module, function, tag);
        }
    }
    for import in imports {
        if let Some(value) = import.guard {
            guard(module, eh, import, value)?;
        }
    }
    Ok(())
}

/// The two generations of exception-handling instructions.
#[derive(Clone, Copy)]
enum Eh {
    Legacy,
    Exnref,
}

/// What a protected body catches.
enum Catch {
    Tag(TagId),
    All,
}

fn placeholder(module: &Module, name: &str, expected: &Signature) -> Result<Option<FunctionId>, PassError> {
    let Ok(function) = module.imports.get_func(PLACEHOLDERS, name) else {
        return Ok(None);
    };
    let found = signature(module, function);
    if found == *expected {
        Ok(Some(function))
    } else {
        Err(PassError::Placeholder { name: format!("{PLACEHOLDERS}.{name}"), expected: expected.clone(), found })
    }
}

pub(super) fn signature(module: &Module, function: FunctionId) -> Signature {
    let (params, results) = module.types.params_results(module.funcs.get(function).ty());
    Signature::new(params, results)
}

/// One tag without payload: what was thrown is in the Lua state.
fn lua_error_tag(module: &mut Module) -> TagId {
    let ty = module.types.add(&[], &[]);
    let tag = module.tags.add(ty);
    module.tags.get_mut(tag).name = Some("lua_error".to_owned());
    tag
}

fn inject_try(module: &mut Module, eh: Eh, function: FunctionId, tag: TagId) -> Result<(), PassError> {
    let (stack_pointer, _) = linker::stack_pointer(module)?;
    let table = function_table(module)?;
    let callee = module.types.add(&[ValType::I32, ValType::I32], &[]);
    replace(module, function, HOST_TRY, |builder, args, saved| {
        let mut body = builder.func_body();
        save(&mut body, stack_pointer, saved);
        protected(
            &mut body,
            eh,
            None.into(),
            Catch::Tag(tag),
            |body| {
                body.local_get(args[1]).local_get(args[2]).local_get(args[0]).call_indirect(callee, table);
            },
            |recover| restore(recover, stack_pointer, saved),
        );
    });
    Ok(())
}

fn inject_throw(module: &mut Module, function: FunctionId, tag: TagId) {
    replace(module, function, HOST_THROW, |builder, _, _| {
        builder.func_body().throw(tag);
    });
}

/// Every use of the import, direct, through a table or by reference, becomes a use of the wrapper, because the wrapper
/// takes over the import's function id and the import gets a new one.
fn guard(module: &mut Module, eh: Eh, import: &Import, value: i32) -> Result<(), PassError> {
    let Some(id) = module.imports.find(&import.module, &import.name) else {
        return Ok(());
    };
    let ImportKind::Function(wrapper) = module.imports.get(id).kind else {
        return Ok(());
    };
    let found = signature(module, wrapper);
    if found.results != [ValType::I32] {
        return Err(PassError::Guard { import: format!("{}.{}", import.module, import.name), found });
    }
    let (stack_pointer, _) = linker::stack_pointer(module)?;
    let ty = module.funcs.get(wrapper).ty();
    let imported = module.funcs.add_import(ty, id);
    module.funcs.get_mut(imported).name = Some(import.name.clone());
    module.imports.get_mut(id).kind = ImportKind::Function(imported);

    let name = format!("{}.guard", import.name);
    define(module, wrapper, &name, |builder, args, saved| {
        let mut body = builder.func_body();
        save(&mut body, stack_pointer, saved);
        protected(
            &mut body,
            eh,
            ValType::I32.into(),
            Catch::All,
            |body| {
                for arg in args {
                    body.local_get(*arg);
                }
                body.call(imported);
            },
            |recover| {
                restore(recover, stack_pointer, saved);
                recover.i32_const(value);
            },
        );
    });
    Ok(())
}

/// `try` stays a function of the module that keeps the stack pointer around the host's: the host can call `f`, but it
/// cannot reach a global that is not exported. Restoring it is right whether `f` returned or was thrown out of.
fn host(module: &mut Module, try_: Option<FunctionId>, throw: Option<FunctionId>) -> Result<(), PassError> {
    if let Some(function) = throw
        && let Some(id) = module.imports.find(PLACEHOLDERS, "throw")
    {
        let import = module.imports.get_mut(id);
        import.module = HOST_MODULE.to_owned();
        import.name = HOST_THROW.to_owned();
        module.funcs.get_mut(function).name = Some(HOST_THROW.to_owned());
    }
    if let Some(function) = try_ {
        let (stack_pointer, _) = linker::stack_pointer(module)?;
        let table = function_table(module)?;
        if !module.exports.iter().any(|e| e.name == FUNCTION_TABLE) {
            module.exports.add(FUNCTION_TABLE, table);
        }
        let ty = module.funcs.get(function).ty();
        let (imported, _) = module.add_import_func(HOST_MODULE, HOST_TRY, ty);
        module.funcs.get_mut(imported).name = Some(HOST_TRY.to_owned());
        replace(module, function, "lua_try.saved", |builder, args, saved| {
            let mut body = builder.func_body();
            save(&mut body, stack_pointer, saved);
            for arg in args {
                body.local_get(*arg);
            }
            body.call(imported);
            restore(&mut body, stack_pointer, saved);
        });
    }
    Ok(())
}

fn function_table(module: &Module) -> Result<TableId, PassError> {
    match module.tables.main_function_table() {
        Ok(Some(table)) => Ok(table),
        _ => Err(PassError::FunctionTable { found: module.tables.iter().count() }),
    }
}

/// Emits `body` so that what `catch` names, thrown anywhere below it, continues with `recover`. Both leave `ty`.
fn protected(
    out: &mut InstrSeqBuilder<'_>,
    eh: Eh,
    ty: InstrSeqType,
    catch: Catch,
    body: impl FnOnce(&mut InstrSeqBuilder<'_>),
    recover: impl FnOnce(&mut InstrSeqBuilder<'_>),
) {
    let mut seq = out.dangling_instr_seq(ty);
    body(&mut seq);
    // WebKit does not catch from a call that ends the body.
    seq.i32_const(0).drop();
    let seq = seq.id();

    match eh {
        Eh::Legacy => {
            let mut handler = out.dangling_instr_seq(ty);
            recover(&mut handler);
            let handler = handler.id();
            let catches = vec![match catch {
                Catch::Tag(tag) => LegacyCatch::Catch { tag, handler },
                Catch::All => LegacyCatch::CatchAll { handler },
            }];
            out.instr(Try { seq, catches });
        }
        Eh::Exnref => {
            let mut caught = out.dangling_instr_seq(None);
            let label = caught.id();
            let catches = vec![match catch {
                Catch::Tag(tag) => TryTableCatch::Catch { tag, label },
                Catch::All => TryTableCatch::CatchAll { label },
            }];
            caught.instr(TryTable { seq, catches }).instr(Return {});
            out.instr(Instr::Block(walrus::ir::Block { seq: label }));
            recover(out);
        }
    }
}

fn save(body: &mut InstrSeqBuilder<'_>, stack_pointer: GlobalId, saved: LocalId) {
    body.global_get(stack_pointer).local_set(saved);
}

fn restore(body: &mut InstrSeqBuilder<'_>, stack_pointer: GlobalId, saved: LocalId) {
    body.local_get(saved).global_set(stack_pointer);
}

/// Turns an imported function into a local one under the same id, so that its callers and table entries stay.
fn replace(
    module: &mut Module,
    function: FunctionId,
    name: &str,
    build: impl FnOnce(&mut FunctionBuilder, &[LocalId], LocalId),
) {
    let import = module.imports.get_imported_func(function).map(|i| i.id());
    define(module, function, name, build);
    if let Some(id) = import {
        module.imports.delete(id);
    }
}

/// Gives `function` a body. `build` gets its arguments and one `i32` local for the stack pointer at entry.
fn define(
    module: &mut Module,
    function: FunctionId,
    name: &str,
    build: impl FnOnce(&mut FunctionBuilder, &[LocalId], LocalId),
) {
    let Signature { params, results } = signature(module, function);
    let args: Vec<LocalId> = params.iter().map(|ty| module.locals.add(*ty)).collect();
    let saved = module.locals.add(ValType::I32);
    let mut builder = FunctionBuilder::new(&mut module.types, &params, &results);
    build(&mut builder, &args, saved);
    let function = module.funcs.get_mut(function);
    function.kind = FunctionKind::Local(builder.local_func(args));
    function.name = Some(name.to_owned());
}
