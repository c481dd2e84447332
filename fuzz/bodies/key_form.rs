//! Keys of any bytes: as the list that the host returns, as the keys of its tables, and as what the host
//! hands to the exports that work on tables.

use lua_persistent::ext::host_api;
use lua_persistent::native_host::{self, Import, Table};
use lua_persistent::ranges::{Bytes, BytesMut};

use super::read_everything;
use crate::common::Machine;

const INTEGER_ONE: &[u8] = &[2, 1, 0, 0, 0, 0, 0, 0, 0];

pub fn run(data: &[u8]) {
    let m = Machine::new();
    let keys: Table = data.split(|b| *b == b'\n').map(|key| (key.to_vec(), INTEGER_ONE.to_vec())).collect();
    native_host::restore([(m.home(), keys.clone())].into());
    read_everything(&m);

    // What the guest accepts from the host, Lua has, and can delete.
    for (key, value) in &keys {
        m.reset();
        let (key, value) = (Bytes::of(key), Bytes::of(value));
        if host_api::set(m.home(), key, value) == 0 {
            let mut read = [0; 16];
            assert_eq!(host_api::get(m.home(), key, BytesMut::of(&mut read)), INTEGER_ONE.len() as i32);
            assert_eq!(m.ok("local k = next(_home) return _home[k]"), "1");
            m.ok("local k = next(_home) _home[k] = nil");
            assert_eq!(host_api::size(m.home()), 0, "{}", data.escape_ascii());
        }
    }

    let list = data.to_vec();
    m.reset();
    m.ok("_home.a = 1");
    native_host::intercept(Some(Box::new(move |call| {
        (call.import == Import::Keys && list.len() <= call.out.len()).then(|| {
            call.out[..list.len()].copy_from_slice(&list);
            list.len() as i32
        })
    })));
    read_everything(&m);
}
