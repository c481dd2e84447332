//! What a host may answer to the request `negotiate`, and what the module does with the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lua_persistent::Range;
use lua_persistent::Value;
use lua_persistent::generated::{self as abi, services};
use lua_persistent::wasmtime::Caller;

use crate::call;
use crate::documented::{Host, Instance, documented_set, parts, put, serving, start, string, word};

/// Numbers as a reply.
fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|&number| word(number)).collect()
}

/// A machine whose host answers `negotiate` with some bytes, and has a clock whose reply is longer than today's.
fn start_with(reply: &[u8], answer: Option<i32>) -> Instance {
    let reply = reply.to_vec();
    let get = move |caller: &mut Caller<'_, Host>, id: u32, key: Range, val: Range| {
        let (memory, host) = parts(caller);
        let request = key.of(memory).to_vec();
        if id != abi::SERVICE_TABLE {
            let key = String::from_utf8(request).unwrap();
            let Some(value) = host.tables.get(&id).and_then(|table| table.get(&key)) else { return Ok(-1) };
            if value.len() > val.of(memory).len() {
                return Ok(-(value.len() as i32));
            }
            put(memory, val, value);
            return Ok(value.len() as i32);
        }
        match request[0] {
            services::NEGOTIATE => {
                let fit = reply.len().min(val.of(memory).len());
                put(memory, val, &reply[..fit]);
                Ok(answer.unwrap_or(reply.len() as i32))
            }
            services::CLOCK => {
                let clock: Vec<u8> = [1e9f64, 1.0, 3.0].iter().flat_map(|number| number.to_le_bytes()).collect();
                put(memory, val, &clock);
                Ok(24)
            }
            _ => Ok(-1),
        }
    };
    let set = |caller: &mut Caller<'_, Host>, id: u32, key: Range, val: Range| {
        let (memory, host) = parts(caller);
        let length = val.of(memory).len();
        host.notes.push(length.to_string());
        documented_set(caller, id, key, val)
    };
    start(Host { get: Some(Arc::new(get)), set: Some(Arc::new(set)), ..Host::default() })
}

/// Whether the clock is asked, and the longest string that is stored.
fn limits(mut instance: Instance) -> (bool, usize) {
    let clock = instance.compute("return os.time()").value() == Value::Integer(1_000_000_000);
    let (mut low, mut high) = (0, 300_000);
    while high - low > 1 {
        let middle = (low + high) / 2;
        let fits = instance.compute(format!("_home.x = ('x'):rep({middle})")).error.is_none();
        *(if fits { &mut low } else { &mut high }) = middle;
    }
    let longest = instance.store.data().notes.iter().filter_map(|note| note.parse().ok()).max();
    assert_eq!(longest, Some(low + abi::VALUE_HEAD as usize), "the host sees the head, too");
    assert_eq!(instance.compute("return #_home.x").value(), Value::Integer(low as i64), "and it comes back");
    (clock, low)
}

#[test]
fn a_reply_is_read_as_far_as_it_goes_and_what_is_not_there_has_its_default() {
    let whole = words(&[1 << services::CLOCK, 20_000, 0, 99, 99]);
    for (length, expected) in [
        (0, (false, 16_384)),
        (3, (false, 16_384)),
        (4, (true, 16_384)),
        (7, (true, 16_384)),
        (8, (true, 20_000)),
        (11, (true, 20_000)),
        (12, (true, 20_000)),
        (13, (true, 20_000)),
        (16, (true, 20_000)),
        (20, (true, 20_000)),
    ] {
        assert_eq!(limits(start_with(&whole[..length], None)), expected, "{length} bytes");
    }
}

#[test]
fn an_answer_that_is_no_length_of_a_reply_is_no_answer() {
    let whole = words(&[1 << services::CLOCK, 20_000, 0]);
    for answer in [-1, -20, 65, 1 << 30, i32::MIN] {
        assert_eq!(limits(start_with(&whole, Some(answer))), (false, 16_384), "{answer}");
    }
}

#[test]
fn the_longest_string_is_what_the_host_says_more_or_less_than_the_default_from_64_bytes_on() {
    let cases = [(0, 64), (63, 64), (64, 64), (100, 100), (16_383, 16_383), (16_384, 16_384), (100_000, 100_000)];
    for (said, held) in cases {
        assert_eq!(limits(start_with(&words(&[0, said, 0]), None)), (false, held), "{said}");
    }
}

#[test]
fn a_value_that_is_longer_is_refused_with_the_limit_on_every_way_into_a_table() {
    let mut instance = start_with(&words(&[0, 100, 0]), None);
    let told = "at most 100 bytes with this host, this one has 101";
    assert!(instance.compute("_home.x = ('x'):rep(101)").error().contains(told));
    let inner = instance.compute("_home.x = { y = ('x'):rep(101) }");
    assert!(inner.error().contains("_home.x.y: ") && inner.error().contains(told), "{}", inner.error());
    let value = [vec![4], word(101), vec![0; 101]].concat();
    let at = instance.buffer();
    instance.put(at, b"k");
    instance.put(at + 1, &value);
    assert_eq!(call!(instance.ext_table_set(1, at, 1, at + 1, value.len() as u32)), -1);
    assert_eq!(instance.status(), abi::STATUS_BAD_ARGUMENT);
    for value in ["1 << 62", "0.5", "true", "print", "string", "package.searchpath", "_home"] {
        assert_eq!(instance.compute(format!("_home.x = {value}")).error, None, "{value}");
    }
}

#[test]
fn a_host_that_refuses_or_throws_has_the_five_imports_alone_and_init_succeeds() {
    for answer in [-1, -2, i32::MIN] {
        let mut instance = start_with(&words(&[1 << services::CLOCK]), Some(answer));
        assert_eq!(instance.status(), abi::STATUS_OK);
        assert_eq!(limits(instance), (false, 16_384), "{answer}");
    }
    let get = |_: &mut Caller<'_, Host>, id: u32, _: Range, _: Range| {
        assert_ne!(id, abi::SERVICE_TABLE, "this host knows no version");
        Ok(-1)
    };
    let mut instance = start(Host { get: Some(Arc::new(get)), ..Host::default() });
    assert_eq!(instance.compute("return os.time() + #tostring(_home)").error, None);
}

/// What a host answers to a request, given its first byte.
pub type Answer = dyn Fn(u8) -> Option<(Vec<u8>, i32)> + Send + Sync;

/// A host that answers requests, and has no tables.
pub fn answering(answer: Arc<Answer>) -> Host {
    let get = serving(move |caller, request, val| {
        let (memory, host) = parts(caller);
        host.notes.push(format!("{request:?}"));
        let Some((bytes, length)) = answer(request[0]) else { return Ok(-1) };
        put(memory, val, &bytes);
        Ok(length)
    });
    Host { get: Some(get), ..Host::default() }
}

/// Seconds, as a clock's reply.
fn clock(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn the_request_tells_the_version_of_the_module() {
    let instance = start(answering(Arc::new(|_| None)));
    let expected = [vec![services::NEGOTIATE], word(abi::ABI_VERSION)].concat();
    assert_eq!(instance.store.data().notes[0], format!("{expected:?}"));
}

#[test]
fn a_newer_host_names_services_that_the_module_does_not_know_and_is_never_asked_for_them() {
    let answer = |number| (number == services::NEGOTIATE).then(|| (words(&[u32::MAX, 16_384, 0]), 12));
    let mut instance = start(answering(Arc::new(answer)));
    let code = "os.time() os.date() math.randomseed() print(('x'):rep(70000)) pcall(require, 'x') pcall(ext.collect)";
    assert_eq!(instance.compute(code).error, None);
    for code in ["for _ in pairs(_home) do end", "ext.collect()"] {
        let outcome = instance.compute(code);
        let error = outcome.error();
        assert!(error.contains("the host failed to list") || error.contains("the host failed to collect"), "{code}");
    }
    let mut asked: Vec<u8> = Vec::new();
    for note in &instance.store.data().notes {
        let number: Option<u8> = note[1..].split([',', ']']).next().and_then(|number| number.parse().ok());
        asked.extend(number);
    }
    asked.sort_unstable();
    asked.dedup();
    assert!(asked.iter().all(|number| (services::NEGOTIATE..=services::COLLECT).contains(number)), "{asked:?}");
    assert!(asked.len() > 4, "{asked:?}");
}

#[test]
fn a_service_that_is_named_and_then_not_answered_or_too_shortly_is_done_without_and_asked_for_again() {
    for (answer, time) in [(-1, 0), (7, 0), (15, 0), (16, 1_000_000_000), (24, 1_000_000_000)] {
        let reply = move |number| match number {
            services::NEGOTIATE => Some((words(&[1 << services::CLOCK]), 4)),
            _ => Some((clock(&[1e9, 1.0, 3.0]), answer)),
        };
        let mut instance = start(answering(Arc::new(reply)));
        instance.store.data_mut().notes.clear();
        for _ in 0..2 {
            assert_eq!(instance.compute("return os.time()").value(), Value::Integer(time), "{answer}");
        }
        assert_eq!(instance.store.data().notes.len(), 2, "{answer}");
    }
}

#[test]
fn entries_that_an_earlier_host_took_are_read_although_they_are_longer_than_this_host_says() {
    let mut instance = start_with(&words(&[0, 100, 0]), None);
    instance.table(1).set("long", string("x".repeat(50_000)));
    assert_eq!(instance.compute("return #_home.long").value(), Value::Integer(50_000));
    let copied = instance.compute("_home.copy = _home.long");
    assert!(copied.error().contains("at most 100 bytes with this host"), "{}", copied.error());
    assert_eq!(instance.compute("return #_home.long").value(), Value::Integer(50_000));
}

#[test]
fn init_on_a_running_machine_asks_again_and_what_the_host_before_offered_does_not_count() {
    let offers = Arc::new(AtomicBool::new(true));
    let offering = offers.clone();
    let reply = move |number| match number {
        services::NEGOTIATE if !offering.load(Ordering::Relaxed) => None,
        services::NEGOTIATE => Some((words(&[1 << services::CLOCK, 20_000, 0]), 12)),
        _ => Some((clock(&[1e9, 1.0]), 16)),
    };
    let mut instance = start(answering(Arc::new(reply)));
    for is_offered in [true, false, true] {
        offers.store(is_offered, Ordering::Relaxed);
        assert_eq!(call!(instance.init()), 0);
        let time = if is_offered { 1_000_000_000 } else { 0 };
        assert_eq!(instance.compute("return os.time()").value(), Value::Integer(time));
        assert_eq!(instance.compute("_home.x = ('x'):rep(20000)").error.is_none(), is_offered);
    }
}
