//! A host that offers batches (`read_rows`, `read_list`, `write_rows`, `free_ids`, `read_entries`, `revision`) over the tables
//! of the native host, written from the reference: what stands between the guest and these tables in tests.

use lua_persistent::abi;
use lua_persistent::native_host::{self, Call, Import, Interceptor, Table, Tables};

const NEGOTIATE: u8 = 1;
const REVISION: u8 = 16;
const READ_ROWS: u8 = 17;
const READ_LIST: u8 = 18;
const WRITE_ROWS: u8 = 19;
const FREE_IDS: u8 = 20;
const READ_ENTRIES: u8 = 21;

const VALUE_ELSEWHERE: u8 = 0xFF;
const VALUE_LIMIT: usize = 1024;
/// Entries of a page.
const PAGE: usize = 7;

/// Answers batches, and leaves everything else to `inner`. `refuse` says whether the next operation of a batch is refused.
pub fn host(mut inner: Option<Interceptor>, mut refuse: impl FnMut() -> bool + Send + 'static) -> Interceptor {
    Box::new(move |call: &mut Call<'_>| {
        if call.table == 0 && call.import == Import::Get {
            return Some(answer(call, &mut refuse).unwrap_or(-1));
        }
        inner.as_mut().and_then(|inner| inner(call))
    })
}

fn answer(call: &mut Call<'_>, refuse: &mut dyn FnMut() -> bool) -> Option<i32> {
    let (&number, arguments) = call.key.split_first()?;
    let word =
        |n: usize| arguments.get(4 * n..4 * n + 4).map(|bytes| u32::from_le_bytes(bytes.try_into().expect("4 bytes")));
    let mut reply = Vec::new();
    let room = call.out.len();
    match number {
        NEGOTIATE => {
            let bits = [REVISION, READ_ROWS, READ_LIST, WRITE_ROWS, FREE_IDS, READ_ENTRIES];
            let bits = bits.iter().fold(0u32, |sum, bit| sum | 1 << bit);
            reply.extend([bits, 1 << 20, 0].iter().flat_map(|word| word.to_le_bytes()));
        }
        REVISION => reply.extend(77u64.to_le_bytes()),
        READ_ROWS => {
            let tables = native_host::snapshot();
            let mut shapes = Vec::new();
            for n in 1..arguments.len() / 4 {
                let id = word(n)?;
                let row = row(&tables, id, word(0)? as usize, &mut shapes).unwrap_or_else(|| {
                    let mut large = vec![abi::OP_LARGE];
                    large.extend(id.to_le_bytes());
                    large.extend((tables[&id].len() as u32).to_le_bytes());
                    large
                });
                if reply.len() + row.len() > room {
                    return Some(if n == 1 { -(row.len() as i32) } else { put(call, &reply) });
                }
                reply.extend(row);
            }
        }
        READ_LIST => {
            let tables = native_host::snapshot();
            let (id, first, count, limit) = (word(0)?, word(1)?, word(2)?, word(3)? as usize);
            let nothing = Table::new();
            let table = tables.get(&id).unwrap_or(&nothing);
            let (mut values, mut done, mut references) = (Vec::<u8>::new(), 0u32, Vec::new());
            for key in first..first.saturating_add(count) {
                let form = format!("[{key}]");
                let stored = table.iter().find(|(k, _)| k == form.as_bytes()).map(|(_, value)| value.as_slice());
                let value = match stored {
                    None => &[abi::TAG_NIL][..],
                    Some(value) if value.len() > VALUE_LIMIT => &[VALUE_ELSEWHERE],
                    Some(value) => value,
                };
                if 17 + values.len() + value.len() > room {
                    break;
                }
                values.extend(value);
                references.extend(reference(value));
                done += 1;
            }
            if done == 0 && count > 0 {
                return Some(-(17 + VALUE_LIMIT as i32));
            }
            reply.push(abi::OP_LIST);
            reply.extend([id, first, done, values.len() as u32].iter().flat_map(|word| word.to_le_bytes()));
            reply.extend(values);
            add_rows(&tables, references, limit, room, &mut reply);
        }
        WRITE_ROWS => {
            let mut tables = native_host::snapshot();
            let mut rest = arguments;
            let (mut shapes, mut done) = (Vec::new(), 0u32);
            while !rest.is_empty() && !refuse() && apply(&mut tables, &mut shapes, &mut rest).is_some() {
                done += 1;
            }
            native_host::restore(tables);
            reply.extend(done.to_le_bytes());
        }
        FREE_IDS => {
            let tables = native_host::snapshot();
            let mut id = word(0)?;
            while tables.contains_key(&id) {
                id += 1;
            }
            let count = (0..word(1)?).take_while(|n| !tables.contains_key(&(id + n))).count() as u32;
            reply.extend([id, count].iter().flat_map(|word| word.to_le_bytes()));
        }
        READ_ENTRIES => {
            let tables = native_host::snapshot();
            let (id, cursor, limit) = (word(0)?, word(1)? as usize, word(2)? as usize);
            let nothing = Table::new();
            let table = tables.get(&id).unwrap_or(&nothing);
            let (mut at, mut references) = (cursor, Vec::new());
            reply.extend([0; 4]);
            for (key, value) in table.iter().skip(cursor).take(PAGE) {
                let long = value.len() > VALUE_LIMIT;
                let mut op = vec![if long { abi::OP_KEY } else { abi::OP_SET }];
                op.extend(id.to_le_bytes());
                op.extend((key.len() as u16).to_le_bytes());
                if !long {
                    op.extend((value.len() as u32).to_le_bytes());
                }
                op.extend(key);
                if !long {
                    op.extend(value);
                }
                if reply.len() + op.len() > room {
                    if at == cursor {
                        return Some(-((reply.len() + op.len()) as i32));
                    }
                    break;
                }
                reply.extend(op);
                references.extend(reference(value));
                at += 1;
            }
            if at < table.len() {
                reply[..4].copy_from_slice(&(at as u32).to_le_bytes());
            }
            add_rows(&tables, references, limit, room, &mut reply);
        }
        _ => return None,
    }
    if reply.len() > room {
        return Some(-(reply.len() as i32));
    }
    Some(put(call, &reply))
}

fn put(call: &mut Call<'_>, reply: &[u8]) -> i32 {
    call.out[..reply.len()].copy_from_slice(reply);
    reply.len() as i32
}

/// The table that a value refers to.
fn reference(value: &[u8]) -> Option<u32> {
    (value.len() == 5 && value[0] == abi::TAG_EXTERNAL_TABLE)
        .then(|| u32::from_le_bytes(value[1..].try_into().expect("4 bytes")))
}

fn add_rows(tables: &Tables, references: Vec<u32>, limit: usize, room: usize, reply: &mut Vec<u8>) {
    let (mut shapes, mut seen) = (Vec::new(), Vec::new());
    for id in references {
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        let Some(row) = row(tables, id, limit, &mut shapes) else { continue };
        if reply.len() + row.len() > room {
            return;
        }
        reply.extend(row);
    }
}

/// A table as a row, behind its shape if that is new; `None` if it is too large.
fn row(tables: &Tables, id: u32, limit: usize, shapes: &mut Vec<Vec<Vec<u8>>>) -> Option<Vec<u8>> {
    let nothing = Table::new();
    let table = tables.get(&id).unwrap_or(&nothing);
    if table.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() > limit {
        return None;
    }
    let keys: Vec<_> = table.iter().map(|(key, _)| key.clone()).collect();
    let mut bytes = Vec::new();
    let shape = shapes.iter().position(|shape| *shape == keys).unwrap_or_else(|| {
        bytes.push(abi::OP_SHAPE);
        bytes.extend((keys.len() as u16).to_le_bytes());
        for key in &keys {
            bytes.extend((key.len() as u16).to_le_bytes());
            bytes.extend(key);
        }
        shapes.push(keys);
        shapes.len() - 1
    });
    bytes.push(abi::OP_ROW);
    bytes.extend(id.to_le_bytes());
    bytes.extend((shape as u16).to_le_bytes());
    bytes.extend((table.iter().map(|(_, value)| value.len()).sum::<usize>() as u32).to_le_bytes());
    bytes.extend(table.iter().flat_map(|(_, value)| value));
    Some(bytes)
}

/// Applies the next operation of a batch.
fn apply(tables: &mut Tables, shapes: &mut Vec<Vec<Vec<u8>>>, rest: &mut &[u8]) -> Option<()> {
    let op = take(rest, 1)?[0];
    match op {
        abi::OP_SHAPE => {
            let count = u16_of(rest)?;
            let mut keys = Vec::new();
            for _ in 0..count {
                let length = u16_of(rest)?;
                keys.push(take(rest, length)?.to_vec());
            }
            shapes.push(keys);
        }
        abi::OP_ROW => {
            let id = u32_of(rest)?;
            let keys = shapes.get(u16_of(rest)?)?;
            let length = u32_of(rest)? as usize;
            let mut values = take(rest, length)?;
            let mut row = Table::new();
            for key in keys {
                let length = value_length(values)?;
                row.push((key.clone(), take(&mut values, length)?.to_vec()));
            }
            assert!(values.is_empty(), "a row has as many values as its shape has keys");
            tables.insert(id, row);
            tables.retain(|_, entries| !entries.is_empty());
        }
        abi::OP_SET => {
            let id = u32_of(rest)?;
            let (key, value) = (u16_of(rest)?, u32_of(rest)? as usize);
            let (key, value) = (take(rest, key)?.to_vec(), take(rest, value)?.to_vec());
            let entries = tables.entry(id).or_default();
            match entries.iter_mut().find(|(k, _)| *k == key) {
                Some((_, old)) => *old = value,
                None => entries.push((key, value)),
            }
        }
        abi::OP_DELETE => {
            let id = u32_of(rest)?;
            let length = u16_of(rest)?;
            let key = take(rest, length)?;
            if let Some(entries) = tables.get_mut(&id) {
                entries.retain(|(k, _)| k != key);
            }
        }
        _ => panic!("{op} is no operation that writes"),
    }
    Some(())
}

/// The length of the value that bytes begin with.
fn value_length(bytes: &[u8]) -> Option<usize> {
    Some(match *bytes.first()? {
        abi::TAG_BOOLEAN => 2,
        abi::TAG_INTEGER | abi::TAG_FLOAT => 9,
        abi::TAG_EXTERNAL_TABLE => 5,
        _ => 5 + u32::from_le_bytes(bytes.get(1..5)?.try_into().expect("4 bytes")) as usize,
    })
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes)
}

fn u16_of(rest: &mut &[u8]) -> Option<usize> {
    Some(u16::from_le_bytes(take(rest, 2)?.try_into().expect("2 bytes")).into())
}

fn u32_of(rest: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(take(rest, 4)?.try_into().expect("4 bytes")))
}
