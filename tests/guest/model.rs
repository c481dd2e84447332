//! External tables beside plain ones: whatever a program does to both, in whatever order, they hold the
//! same, and so they do when another machine has read everything from the store.

use crate::common::Machine;

const OPERATIONS: usize = 100_000;
/// Operations between two machines.
const LIFE: usize = 5_000;

#[test]
fn a_hundred_thousand_operations_do_the_same_to_external_tables_as_to_plain_ones() {
    let m = Machine::new();
    let program = include_str!("../lua/model.lua");
    let (mut seed, mut saved) = ("88172645463325252".to_owned(), None);
    for _ in 0..OPERATIONS / LIFE {
        m.restart();
        m.ok(program);
        // The model is longer than a line of Lua that anyone would write, but well within the heap.
        let text = saved.map_or("nil".to_owned(), |text: String| format!("[====[\n{text}]====]"));
        m.ok(&format!("begin({seed}, {text})"));
        for _ in 0..5 {
            seed = m.ok(&format!("return run({})", LIFE / 5));
        }
        saved = Some(m.ok("return save()"));
        m.check_heap();
    }
}
