//! A host that answers as it likes: the bytes say, call by call, whether it does what it is asked, and
//! what it answers and writes if not. It is asked to offer every service, too.

use lua_persistent::native_host::{self, Call, Import};

use super::{Script, full_store, read_everything};
use crate::common::Machine;

/// More calls than any use of the store makes: the guest is caught in a loop.
const CALLS: u32 = 2_000_000;

pub fn run(data: &[u8]) {
    let m = Machine::new();
    let tables = full_store(&m);
    native_host::restore(tables);
    let (mut script, mut calls) = (data.to_vec(), 0);
    native_host::intercept(Some(Box::new(move |call| {
        calls += 1;
        assert!(calls < CALLS, "the guest asks the host for ever");
        let mut rest = Script(&script);
        let answer = answer(call, &mut rest);
        let used = script.len() - rest.0.len();
        script.drain(..used);
        answer
    })));
    m.restart();
    read_everything(&m);
}

fn answer(call: &mut Call<'_>, script: &mut Script<'_>) -> Option<i32> {
    // Most calls are answered well, so that the guest gets far.
    let kind = script.byte();
    if kind < 160 || script.is_empty() {
        return None;
    }
    let room = call.out.len();
    Some(match kind % 10 {
        0 => -1,
        1 => i32::MIN,
        2 => -(script.below(70_000) as i32),
        3 => room as i32 + script.below(3) as i32,
        4 => i32::MAX - script.below(2) as i32,
        5 => script.below(room + 2) as i32,
        6 if call.import == Import::Size => script.below(65_536) as i32,
        7 if call.import == Import::Set || call.import == Import::Delete => 0,
        _ => {
            let length = script.below(40);
            let bytes = script.take(length.min(room));
            call.out[..bytes.len()].copy_from_slice(bytes);
            bytes.len() as i32
        }
    })
}
