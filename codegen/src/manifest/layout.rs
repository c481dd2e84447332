//! Checks that the fields of a structure add up: every byte belongs to exactly one field, each aligned as C does it.

use std::ops::Range;

use super::diagnostics::Problem;
use super::entry::Faults;
use super::model::Field;

/// Notes what is wrong with a layout and gives the structure's alignment. `spans` are those of the fields' offsets.
pub fn check(
    name: &str,
    fields: &[Field],
    spans: &[Range<usize>],
    size: Option<i64>,
    size_span: Range<usize>,
    faults: &mut Faults,
) -> u32 {
    // Where the next field should start; unknown after a field that is in the wrong place, so that one slip is
    // reported once.
    let mut expected = Some(0);
    let mut previous = "";
    let mut end = 0;
    for (field, span) in fields.iter().zip(spans) {
        let problem = misplaced(field, expected, previous);
        let next = field.offset.saturating_add(field.ty.size());
        expected = problem.is_none().then_some(next);
        if let Some(problem) = problem {
            faults.add(problem, span.clone());
        }
        end = end.max(next);
        previous = &field.name;
    }
    let align = fields.iter().map(|field| field.ty.size()).max().unwrap_or(1);
    let actual = end.next_multiple_of(align);
    if actual > end && expected.is_some() {
        let problem = Problem::Tail { name: name.to_owned(), end, size: actual };
        faults.add(problem, size_span);
    } else if let Some(size) = size
        && size != i64::from(actual)
    {
        faults.add(Problem::WrongSize { name: name.to_owned(), size, actual }, size_span);
    }
    align
}

fn misplaced(field: &Field, expected: Option<u32>, previous: &str) -> Option<Problem> {
    let (name, offset, align) = (field.name.clone(), field.offset, field.ty.size());
    if !offset.is_multiple_of(align) {
        return Some(Problem::Misaligned { field: name, offset, ty: field.ty.name(), align });
    }
    let end = expected?;
    if offset < end {
        return Some(Problem::Overlap { field: name, previous: previous.to_owned(), end });
    }
    let fits = end.is_multiple_of(align);
    (offset > end).then_some(Problem::Gap { field: name, offset, end, fits })
}
