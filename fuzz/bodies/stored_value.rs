//! Changes to a store that a machine has written. Whole values and keys are replaced, cut and mixed up;
//! bytecode is only ever another function's or damaged, as its checksum is all that protects a machine
//! from what a host makes up.

use lua_persistent::ext::reference::Reference;
use lua_persistent::native_host::{self, Tables};

use super::{Script, full_store, read_everything};
use crate::common::Machine;

pub fn run(data: &[u8]) {
    let m = Machine::new();
    let mut tables = full_store(&m);
    let mut script = Script(data);
    while !script.is_empty() {
        change(&mut tables, &mut script);
    }
    native_host::restore(tables);
    m.restart();
    read_everything(&m);
}

fn change(tables: &mut Tables, script: &mut Script<'_>) {
    let ids: Vec<u32> = tables.keys().copied().collect();
    let id = |script: &mut Script<'_>| ids[script.below(ids.len())];
    let (here, there) = (id(script), id(script));
    let donor = tables[&there].get(script.below(tables[&there].len())).cloned();
    let Some(table) = tables.get_mut(&here) else { return };
    let at = script.below(table.len());
    let kind = script.byte() % 12;
    let Some((key, value)) = table.get_mut(at) else { return table.extend(donor) };
    match kind {
        // A value that says that it is something.
        0 => {
            let tag = script.byte() % 16;
            let length = script.below(20);
            *value = [&[tag][..], script.take(length)].concat();
        }
        // A well-formed reference to a table or a function, or to none.
        1 => *value = [&[7][..], &(here ^ u32::from(script.byte() % 8)).to_le_bytes()].concat(),
        2 => *value = [&[5, 4, 0, 0, 0][..], &(here ^ u32::from(script.byte() % 8)).to_le_bytes()].concat(),
        3 => {
            let tag = [6, 12][usize::from(script.byte() % 2)];
            let length = script.below(12);
            let name = script.take(length);
            *value = [&[tag][..], &(name.len() as u32).to_le_bytes(), name].concat();
        }
        // Another entry's value, another function's bytecode among them.
        4 | 5 => *value = donor.map_or_else(Vec::new, |(_, value)| value),
        6 => {
            let changed = script.below(value.len());
            if let Some(byte) = value.get_mut(changed) {
                *byte = script.byte();
            }
        }
        7 => value.truncate(script.below(value.len())),
        8 => *key = donor.map_or_else(Vec::new, |(key, _)| key),
        9 => {
            let length = script.below(12);
            *key = script.take(length).to_vec();
        }
        10 => table.extend(donor),
        _ => drop(table.remove(at)),
    }
    // A library function that a value names is called with whatever is there, and on the host some of
    // them reach the system.
    for (_, value) in table {
        if let Some(Reference::LibraryFunction(name)) = Reference::read(value)
            && (name.starts_with(b"os.") || name.starts_with(b"io."))
        {
            value.clear();
        }
    }
}
