//! One size of memory, and proof that everything fits.

use codegen::passes::{PassError, process};
use wasm_encoder::Instruction::{Drop, End, I32Const, If, MemoryGrow, MemorySize};
use wasm_encoder::{BlockType, Instruction};
use wasmparser::{Parser, Payload};

use super::fixture::{Defined, I32, Linked};
use super::node;

fn memory(wasm: &[u8]) -> (u64, Option<u64>) {
    Parser::new(0)
        .parse_all(wasm)
        .find_map(|payload| match payload.expect("the artifact parses") {
            Payload::MemorySection(memories) => {
                let memory = memories.into_iter().next()?.expect("the artifact parses");
                Some((memory.initial, memory.maximum))
            }
            _ => None,
        })
        .expect("the artifact has a memory")
}

fn error(linked: &Linked) -> PassError {
    process(&linked.encode(), &linked.config()).expect_err("the module is refused")
}

#[test]
fn growable_memory_gets_its_one_size() {
    for growable in [(1, None), (2, Some(2)), (1, Some(65_536))] {
        let linked = Linked { memory: growable, ..Linked::default() };
        let processed = process(&linked.encode(), &linked.config()).expect("it fits");
        assert_eq!(memory(&processed.wasm), (2, Some(2)));
    }
}

#[test]
fn more_pages_than_allowed_are_refused_with_both_numbers() {
    let linked = Linked { memory: (3, None), ..Linked::default() };
    let message = error(&linked).to_string();
    assert!(message.contains("starts with 3 pages"), "{message}");
    assert!(message.contains("at most 2"), "{message}");
}

#[test]
fn a_reachable_memory_grow_answers_minus_one() {
    let linked = Linked::with(vec![Defined::exported(
        "grow",
        &[I32],
        &[I32],
        vec![
            Instruction::LocalGet(0),
            If(BlockType::Result(I32)),
            Instruction::LocalGet(0),
            MemoryGrow(0),
            Instruction::Else,
            I32Const(1),
            MemoryGrow(0),
            Drop,
            MemorySize(0),
            End,
        ],
    )]);
    let processed = process(&linked.encode(), &linked.config()).expect("it fits");
    assert_eq!(processed.report.layout.grows, 2);
    let answers = node::run(
        "const { grow } = new WebAssembly.Instance(new WebAssembly.Module(modules[0])).exports;
         answer([grow(0), grow(1), grow(-1), grow(0)]);",
        &[&processed.wasm],
    );
    assert_eq!(answers, serde_json::json!([2, -1, -1, 2]));
}

#[test]
fn an_imported_memory_is_refused_by_name() {
    let linked = Linked { memory_imported: true, ..Linked::default() };
    let message = error(&linked).to_string();
    assert!(message.contains("`env.memory`"), "{message}");
}

#[test]
fn data_beyond_the_memory_is_refused_with_its_addresses() {
    let linked = Linked {
        data: vec![(1024, vec![1; 16]), (131_070, vec![1; 3])],
        data_end: Some(131_073),
        heap_base: Some(131_088),
        ..Linked::default()
    };
    assert!(matches!(
        error(&linked),
        PassError::SegmentOutside { index: 1, segment, memory: 131_072 } if segment == (131_070..131_073)
    ));
}

#[test]
fn zeroed_data_beyond_the_memory_is_refused() {
    let linked = Linked { data_end: Some(140_000), heap_base: Some(140_000), ..Linked::default() };
    assert!(matches!(error(&linked), PassError::StackOrHeapOutside { heap_base: 140_000, .. }));
}

#[test]
fn data_above_the_heap_base_is_refused() {
    let linked = Linked { data: vec![(2040, vec![1; 16])], ..Linked::default() };
    assert!(matches!(error(&linked), PassError::SegmentInHeap { index: 0, heap_base: 2048, .. }));
}

#[test]
fn a_stack_that_starts_within_data_is_refused() {
    let linked = Linked { data: vec![(512, vec![1; 16])], ..Linked::default() };
    assert!(matches!(error(&linked), PassError::StackInData { stack_top: 1024, .. }));
}

#[test]
fn a_heap_below_the_minimum_is_refused_with_the_whole_layout() {
    let linked = Linked::default();
    let mut config = linked.config();
    config.min_heap = 131_072 - 2048;
    process(&linked.encode(), &config).expect("exactly the minimum is enough");
    config.min_heap += 1;
    let message = process(&linked.encode(), &config).expect_err("one byte is missing").to_string();
    for number in ["131072", "1024", "2048", "129024", "129025"] {
        assert!(message.contains(number), "{message}");
    }
}

#[test]
fn without_the_linkers_heap_base_nothing_is_proven() {
    let linked = Linked { heap_base: None, ..Linked::default() };
    let message = error(&linked).to_string();
    assert!(message.contains("--export=__heap_base"), "{message}");
}

#[test]
fn both_orders_of_stack_and_data_are_understood() {
    let stack_first = Linked { data: vec![(1024, vec![1; 16])], ..Linked::default() };
    let layout = process(&stack_first.encode(), &stack_first.config()).expect("it fits").report.layout;
    assert!(layout.stack_first);
    assert_eq!((layout.static_data, layout.stack), (1024, 1024));
    assert_eq!((layout.heap_base, layout.heap), (2048, 129_024));

    let data_first = Linked {
        data: vec![(1024, vec![1; 16])],
        data_end: Some(1536),
        stack_top: 4096,
        heap_base: Some(4096),
        ..Linked::default()
    };
    let layout = process(&data_first.encode(), &data_first.config()).expect("it fits").report.layout;
    assert!(!layout.stack_first);
    assert_eq!((layout.static_data, layout.stack), (512, 2560));
}

#[test]
fn the_stack_pointer_is_known_by_its_name_or_else_by_its_place() {
    let named = Linked { decoy: Some(77), ..Linked::default() };
    let unnamed = Linked { named: false, ..Linked::default() };
    for linked in [named, unnamed] {
        let processed = process(&linked.encode(), &linked.config()).expect("it fits");
        assert_eq!(processed.report.layout.stack, 1024);
    }
}
