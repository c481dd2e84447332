//! Writes `web/loader.d.ts`, the TypeScript types of the loader.

use std::fmt::Write;

use super::javascript::{comment, declaration, export_params, scalar_type, type_name, wat};
use super::names::{camel, pascal};
use super::output::{Backend, ORIGIN};
use crate::manifest::{Function, Manifest, Param, Service, Type};

/// `web/loader.d.ts`.
pub struct Types;

impl Backend for Types {
    fn name(&self) -> &'static str {
        "types"
    }

    fn path(&self) -> &'static str {
        "web/loader.d.ts"
    }

    fn render(&self, manifest: &Manifest) -> String {
        let mut out = format!("// Types of loader.js.\n// {ORIGIN}\n\n");
        constants(&mut out, manifest);
        named_types(&mut out, manifest);
        structs(&mut out, manifest);
        replies(&mut out, manifest);
        handlers(&mut out, manifest);
        host(&mut out, manifest);
        raw_exports(&mut out, manifest);
        instance(&mut out, manifest);
        out.push_str(FUNCTIONS);
        out
    }
}

fn constants(out: &mut String, manifest: &Manifest) {
    let _ = write!(
        out,
        "/** Version of the boundary. */\nexport const ABI_VERSION: {};\n\
         /** Equal for two builds exactly if they agree on every call. */\nexport const MANIFEST_HASH: string;\n",
        manifest.abi.version,
    );
    let lines: Vec<_> = manifest.abi.lines.iter().map(|line| format!("'{line}'")).collect();
    let _ = write!(
        out,
        "/** A line of Lua releases. */\nexport type LuaLine = {};\n\
         /** The lines of Lua releases that there are modules of; the first is the default. */\n\
         export const LUA_LINES: readonly [{}];\n",
        lines.join(" | "),
        lines.join(", "),
    );
    for constant in &manifest.constants {
        out.push_str(&comment("", &constant.doc, &[]));
        let _ = writeln!(out, "export const {}: {};", constant.name, constant.literal());
    }
    out.push_str("/** The number of each service. */\nexport const SERVICES: {\n");
    for service in &manifest.services {
        let _ = writeln!(out, "  readonly {}: {};", camel(&service.name), service.number);
    }
    out.push_str("};\n\n");
}

fn named_types(out: &mut String, manifest: &Manifest) {
    for ty in &manifest.types {
        out.push_str(&comment("", &ty.doc, &[]));
        let _ = writeln!(out, "export type {} = {};", pascal(&ty.name), scalar_type(ty.base));
    }
    out.push('\n');
}

fn structs(out: &mut String, manifest: &Manifest) {
    for structure in &manifest.structs {
        out.push_str(&comment("", &structure.summary, &[]));
        let _ = writeln!(out, "export interface {} {{", structure.name);
        for field in &structure.fields {
            out.push_str(&comment("  ", &field.doc, &[]));
            let _ = writeln!(out, "  {}: {};", camel(&field.name), scalar_type(field.ty));
        }
        let _ = write!(
            out,
            "}}\n\n/** Reads a {0} of {1} bytes from memory. */\n\
             export function read{0}(view: DataView, address: Address): {0};\n\n",
            structure.name, structure.size,
        );
    }
}

fn replies(out: &mut String, manifest: &Manifest) {
    for service in manifest.services.iter().filter(|service| !service.reply.is_empty() && !service.is_exchange()) {
        let _ = write!(
            out,
            "/** What a host answers to `{}`. */\nexport interface {}Reply {{\n",
            camel(&service.name),
            pascal(&service.name),
        );
        for field in &service.reply {
            out.push_str(&comment("  ", &field.doc, &[]));
            let _ = writeln!(out, "  {}: {};", camel(&field.name), type_name(&field.ty));
        }
        out.push_str("}\n\n");
    }
}

fn handlers(out: &mut String, manifest: &Manifest) {
    out.push_str(
        "/** The services that a host offers: those it has handlers for. Null declines a request. */\n\
         export interface Services {\n",
    );
    for service in &manifest.services {
        if service.is_exchange() {
            exchange(out, service);
            continue;
        }
        let mut params = values(&service.args);
        let mut tags: Vec<_> =
            service.args.iter().map(|arg| format!("@param {} {}", camel(&arg.name), arg.doc)).collect();
        if let Some(bytes) = service.trailing_reply() {
            let name = camel(&bytes.name);
            params.push("room: number".to_owned());
            tags.push(format!(
                "@param room How many bytes of `{name}` fit. For more, the answer is how many it needs."
            ));
        }
        out.push_str(&comment("  ", &format!("{}\n\n{}", service.summary, service.doc), &tags));
        out.push_str(&declaration("  ", &format!("{}?", camel(&service.name)), &params, &reply_type(service)));
    }
    out.push_str("}\n\n");
}

/// The handler of a service that moves bytes both ways, which gets ranges of memory as the imports do.
fn exchange(out: &mut String, service: &Service) {
    let mut params = vec!["memory: Uint8Array".to_owned()];
    let mut tags = vec!["@param memory The memory of the module.".to_owned()];
    let mut range = |name: &str, doc: &str, end: &str| {
        params.extend([format!("{name}Start: Address"), format!("{name}End: Address")]);
        tags.push(format!("@param {name}Start {doc}"));
        tags.push(format!("@param {name}End Where that {end}."));
    };
    for item in &service.args {
        if item.ty.scalar().is_none() {
            range(&camel(&item.name), &item.doc, "ends");
        }
    }
    match &service.reply[..] {
        [item] if item.ty.scalar().is_none() => range(&camel(&item.name), &item.doc, "has to end"),
        fields => {
            let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
            range("reply", &format!("Where the reply goes: {}.", names.join(" and ")), "has to end");
        }
    }
    let numbers = service.args.iter().filter(|item| item.ty.scalar().is_some());
    for (index, item) in numbers.enumerate() {
        let name = camel(&item.name);
        params.insert(1 + index, format!("{name}: {}", type_name(&item.ty)));
        tags.insert(1 + index, format!("@param {name} {}", item.doc));
    }
    tags.push("@returns Bytes of the reply, or, negated, how many it needs if there is no room for them.".to_owned());
    out.push_str(&comment("  ", &format!("{}\n\n{}", service.summary, service.doc), &tags));
    out.push_str(&declaration("  ", &format!("{}?", camel(&service.name)), &params, "number | null"));
}

fn reply_type(service: &Service) -> String {
    if service.reply.is_empty() { "void | null".to_owned() } else { format!("{}Reply | null", pascal(&service.name)) }
}

fn values(params: &[Param]) -> Vec<String> {
    params.iter().map(|param| format!("{}: {}", camel(&param.name), type_name(&param.ty))).collect()
}

fn host(out: &mut String, manifest: &Manifest) {
    out.push_str(&comment("", HOST, &[]));
    out.push_str("export interface Host {\n");
    for import in &manifest.imports {
        let function = &import.function;
        let (params, tags) = handler_params(function);
        out.push_str(&comment("  ", &format!("{}\n\n{}", function.summary, function.doc), &tags));
        let returns = function.returns.as_ref().map_or("void".to_owned(), |returns| type_name(&returns.ty));
        out.push_str(&declaration("  ", &import.handler, &params, &returns));
    }
    out.push_str(
        "  /** The services that the host offers. */\n  services?: Services;\n\
         \x20 /** Longest value that its tables take, in bytes; `VALUE_LIMIT` if it does not say. */\n\
         \x20 maxValueLength?: number;\n\
         \x20 /** Whether it knows the numbers of functions that the host before it gave to the machine. */\n\
         \x20 continues?: boolean;\n}\n\n",
    );
}

const HOST: &str = "Where external tables live. A method gets the whole memory of the module, and of each range in it \
where it starts and where it ends: no view is made for it, as making one costs more than a small value is worth. \
`memory.subarray(start, end)` is such a view, and `memory.slice(start, end)` a copy to keep; what lies there changes \
when the method has returned. What methods return is what the imports return.";

/// The parameters of a handler, and the tags that describe them.
fn handler_params(function: &Function) -> (Vec<String>, Vec<String>) {
    let (mut params, mut tags) = (Vec::new(), Vec::new());
    for param in &function.params {
        let name = camel(&param.name);
        if !param.ty.is_pointer() {
            params.push(format!("{name}: {}", type_name(&param.ty)));
            tags.push(format!("@param {name} {}", param.doc));
            continue;
        }
        if !params.iter().any(|param| param.starts_with("memory:")) {
            params.push("memory: Uint8Array".to_owned());
            tags.push("@param memory The memory of the module.".to_owned());
        }
        params.extend([format!("{name}Start: Address"), format!("{name}End: Address")]);
        tags.push(format!("@param {name}Start {}", param.doc));
        tags.push(format!("@param {name}End Where that ends."));
    }
    tags.extend(returns_tag(function));
    (params, tags)
}

fn returns_tag(function: &Function) -> Option<String> {
    let returns = function.returns.as_ref()?;
    let values: Vec<_> = returns.values.iter().map(|value| format!("`{}`: {}", value.case, value.meaning)).collect();
    Some(format!("@returns {} {}", returns.doc, values.join(" ")).trim_end().to_owned())
}

fn raw_exports(out: &mut String, manifest: &Manifest) {
    out.push_str("/** The exports as WebAssembly has them. Unsigned results may be negative here. */\n");
    let _ = write!(out, "export interface RawExports {{\n  readonly {}: WasmMemory;\n", manifest.abi.memory);
    for export in &manifest.exports {
        let function = &export.function;
        let params: Vec<_> =
            export_params(function).into_iter().map(|(wasm, _, ty, _)| format!("{wasm}: {ty}")).collect();
        out.push_str(&declaration("  ", &function.name, &params, &result(function)));
    }
    out.push_str("}\n\n");
}

fn result(function: &Function) -> String {
    function.returns.as_ref().map_or_else(|| "void".to_owned(), |returns| type_name(&returns.ty))
}

fn instance(out: &mut String, manifest: &Manifest) {
    out.push_str(INSTANCE_HEAD);
    for export in &manifest.exports {
        let function = &export.function;
        let params = export_params(function);
        let mut tags: Vec<_> = params.iter().map(|(_, name, _, doc)| format!("@param {name} {doc}")).collect();
        tags.extend(returns_tag(function));
        let text = format!("{}\n\n`{}`", function.summary, wat(function, None));
        out.push('\n');
        out.push_str(&comment("  ", &text, &tags));
        let list: Vec<_> = params.into_iter().map(|(_, name, ty, _)| format!("{name}: {ty}")).collect();
        let structure = function.params.iter().find_map(|param| match &param.ty {
            Type::Struct(name) => Some(name.clone()),
            _ => None,
        });
        let returns = structure.unwrap_or_else(|| result(function));
        out.push_str(&declaration("  ", &camel(&function.name), &list, &returns));
    }
    out.push_str("}\n\n");
}

const INSTANCE_HEAD: &str =
    "/** A module at work: its exports as methods, and views of its memory, which never grows. */
export class LuaInstance {
  constructor(instance: WasmInstance, takeThrown?: () => Thrown | null);
  /** The instance itself. */
  readonly instance: WasmInstance;
  /** Its exports. */
  readonly exports: RawExports;
  /** Its memory, as bytes. */
  readonly bytes: Uint8Array;
  /** Its memory, as numbers. */
  readonly view: DataView;
  /** Gives the last exception that a method of the host threw, and forgets it. */
  readonly takeThrown: () => Thrown | null;
";

const FUNCTIONS: &str = "/** An exception that a method of the host threw. */
export interface Thrown {
  readonly error: unknown;
}

/** What a module says about itself. */
export interface Stamp {
  /** Version of the boundary. */
  abiVersion: number;
  /** Release of the Lua inside, as 5.4.9. */
  luaRelease: string;
  /** Hash of the manifest it was built from. */
  manifestHash: string;
  /** Which build it is: equal for two modules only if they were linked to the same bytes. */
  build: string;
}

/** Module and loader do not fit, or the module could not be fetched. */
export class AbiError extends Error {}

/** `WebAssembly.Module`, where the compiler knows it, from a library of the platform as `dom`. */
export type WasmModule = typeof globalThis extends {
  WebAssembly: { Module: { prototype: infer Module } };
}
  ? Module & object
  : object;

/** `WebAssembly.Instance`, where the compiler knows it. */
export type WasmInstance = typeof globalThis extends {
  WebAssembly: { Instance: { prototype: infer Instance } };
}
  ? Instance
  : { readonly exports: Record<string, any> };

/** `WebAssembly.Memory`, where the compiler knows it. */
export type WasmMemory = typeof globalThis extends {
  WebAssembly: { Memory: { prototype: infer Memory } };
}
  ? Memory
  : { readonly buffer: ArrayBuffer };

/** `WebAssembly.Table`, where the compiler knows it. */
export type WasmTable = typeof globalThis extends {
  WebAssembly: { Table: { prototype: infer Table } };
}
  ? Table
  : { get(index: number): any };

/** What modules import, by the names of the module and the value. */
export type WasmImports = Record<string, Record<string, any>>;

/** `Response`, where the compiler knows it. */
export type PlatformResponse = typeof globalThis extends {
  Response: { prototype: infer Response };
}
  ? Response
  : never;

/** `URL`, where the compiler knows it. */
export type PlatformURL = typeof globalThis extends {
  URL: { prototype: infer URL };
}
  ? URL
  : never;

/** What a module can be made from: itself, its bytes, or a response with them. */
export type Source = WasmModule | ArrayBuffer | ArrayBufferView | PlatformResponse;

/** Options of `instantiate`. */
export interface InstantiateOptions {
  /** Import modules beside the one that the loader makes. */
  imports?: WasmImports;
}

/** Makes the import object for a host, and the way to what its methods throw. */
export function createImports(
  host: Host,
  getMemory: () => WasmMemory,
): { imports: WasmImports; takeThrown: () => Thrown | null };

/** Makes the two imports of a module whose Lua errors unwind by JavaScript exceptions. */
export function createUnwinding(getTable: () => WasmTable): {
  lua_try(index: number, state: number, data: number): void;
  lua_throw(): never;
};

/** Compiles a module, from a response as it arrives. */
export function compile(source: Source | Promise<Source>): Promise<WasmModule>;

/** Reads what a module says about itself; null if it says nothing. */
export function identify(module: WasmModule): Stamp | null;

/** Throws an `AbiError` if a module does not have this boundary. */
export function check(module: WasmModule): void;

/** Compiles a module, checks that it fits, and brings it to life with a host; `init` starts Lua. */
export function instantiate(
  source: Source | Promise<Source>,
  host: Host,
  options?: InstantiateOptions,
): Promise<LuaInstance>;

/** As `instantiate`, at once. Some browsers refuse this on a page's main thread. */
export function instantiateSync(
  module: WasmModule,
  host: Host,
  options?: InstantiateOptions,
): LuaInstance;
";
