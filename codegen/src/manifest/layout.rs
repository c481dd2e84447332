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
    let mut end = 0;
    let mut previous = "";
    for (field, span) in fields.iter().zip(spans) {
        let align = field.ty.size();
        if !field.offset.is_multiple_of(align) {
            let problem = Problem::Misaligned {
                field: field.name.clone(),
                offset: field.offset,
                ty: field.ty.name(),
                align,
            };
            faults.add(problem, span.clone());
        } else if field.offset < end {
            let problem = Problem::Overlap {
                field: field.name.clone(),
                previous: previous.to_owned(),
                end,
            };
            faults.add(problem, span.clone());
        } else if field.offset > end {
            let fits = end.next_multiple_of(align);
            let problem = Problem::Gap {
                field: field.name.clone(),
                offset: field.offset,
                end,
                fits: if fits == end { end } else { field.offset },
            };
            faults.add(problem, span.clone());
        }
        end = end.max(field.offset.saturating_add(align));
        previous = &field.name;
    }
    let align = fields.iter().map(|field| field.ty.size()).max().unwrap_or(1);
    let actual = end.next_multiple_of(align);
    if let Some(size) = size
        && size != i64::from(actual)
    {
        faults.add(Problem::WrongSize { name: name.to_owned(), size, actual }, size_span);
    }
    align
}
