//! What a module needs is what its artifact claims.

use std::str::FromStr;

use codegen::passes::{Feature, PassError, process};
use wasm_encoder::Instruction::{
    self, Call, Drop, End, F64Const, I32Const, I32Extend8S, I32TruncSatF64S, LocalGet, MemoryFill, RefIsNull, RefNull,
    ReturnCall, V128Const,
};
use wasm_encoder::{BlockType, HeapType};

use super::fixture::{Defined, I32, Linked, claiming};

/// A module whose one export `run` does this.
fn using(body: Vec<Instruction<'static>>) -> Linked {
    Linked::with(vec![Defined::exported("run", &[I32], &[I32], body)])
}

/// One module for each feature, with what the error says of the place.
fn cases() -> Vec<(Feature, Linked, &'static str)> {
    let null = RefNull(HeapType::FUNC);
    let mut multi = using(vec![LocalGet(0), Instruction::Block(BlockType::FunctionType(0)), I32Const(1), End, Drop]);
    multi.types = vec![(vec![I32], vec![I32, I32])];
    vec![
        (Feature::SignExtension, using(vec![LocalGet(0), I32Extend8S]), "`i32.extend8_s` in function `run`"),
        (Feature::Simd, using(vec![V128Const(1), Drop, I32Const(0)]), "`v128.const` in function `run`"),
        (Feature::ReferenceTypes, using(vec![null, RefIsNull]), "`ref.null` in function `run`"),
        (Feature::TailCalls, using(vec![LocalGet(0), ReturnCall(0)]), "`return_call` in function `run`"),
        (Feature::MultiValue, multi, "`block` in function `run`"),
    ]
}

#[test]
fn unclaimed_use_is_refused_with_the_feature_the_function_and_the_instruction() {
    for (feature, linked, place) in cases() {
        let error = process(&linked.encode(), &linked.config()).expect_err(feature.name());
        let PassError::UnclaimedFeatures(uses) = &error else {
            panic!("{feature}: {error}");
        };
        assert_eq!(uses.len(), 1, "{error}");
        assert_eq!(uses[0].feature, feature);
        assert!(error.to_string().contains(place), "{error}");
    }
}

#[test]
fn claimed_use_passes_and_is_reported() {
    for (feature, linked, _) in cases() {
        let config = claiming(linked.config(), &[feature]);
        let processed = process(&linked.encode(), &config).unwrap_or_else(|e| panic!("{feature}: {e}"));
        assert_eq!(processed.report.features, [feature]);
    }
}

#[test]
fn a_claim_without_use_is_fine_and_not_reported() {
    let linked = using(vec![I32Const(0)]);
    let config = claiming(linked.config(), Feature::ALL);
    let processed = process(&linked.encode(), &config).expect("nothing is wrong with it");
    assert!(processed.report.features.is_empty());
}

#[test]
fn all_unclaimed_features_are_named_at_once() {
    let linked = using(vec![V128Const(1), Drop, LocalGet(0), I32Extend8S, Drop, LocalGet(0), ReturnCall(0)]);
    let error = process(&linked.encode(), &linked.config()).expect_err("three are unclaimed");
    let PassError::UnclaimedFeatures(uses) = error else {
        panic!("{error}");
    };
    let features: Vec<Feature> = uses.iter().map(|u| u.feature).collect();
    assert_eq!(features, [Feature::SignExtension, Feature::Simd, Feature::TailCalls]);
}

#[test]
fn what_can_be_lowered_is_kept_where_it_is_claimed() {
    let linked =
        using(vec![I32Const(4096), I32Const(1), LocalGet(0), MemoryFill(0), F64Const(1.5.into()), I32TruncSatF64S]);
    let both = [Feature::NontrappingFptoint, Feature::BulkMemory];
    let claimed = process(&linked.encode(), &claiming(linked.config(), &both));
    let report = claimed.expect("both are claimed").report;
    assert_eq!(report.features, both);
    assert!(report.lowered.is_empty());

    let report = process(&linked.encode(), &linked.config()).expect("both can be lowered").report;
    assert!(report.features.is_empty());
    assert_eq!(report.lowered, ["i32.trunc_sat_f64_s", "memory.fill"]);
}

#[test]
fn both_generations_of_exceptions_are_told_apart() {
    let linked = Linked { imports: vec![("unwind", "throw", vec![], vec![])], ..using(vec![Call(0), I32Const(0)]) };
    for feature in [Feature::ExceptionsLegacy, Feature::Exceptions] {
        let config = claiming(linked.config(), &[feature]);
        let processed = process(&linked.encode(), &config).expect("a throw is in both");
        assert_eq!(processed.report.features, [feature]);
    }
    let error = process(&linked.encode(), &linked.config()).expect_err("neither is claimed");
    assert!(matches!(error, PassError::UnclaimedFeatures(_)));
}

#[test]
fn every_feature_is_found_by_its_name_and_no_other() {
    for feature in Feature::ALL {
        assert_eq!(Feature::from_str(feature.name()), Ok(*feature));
    }
    let message = Feature::from_str("bulk_memory").expect_err("names have hyphens").to_string();
    assert!(message.contains("`bulk_memory`") && message.contains("bulk-memory,"), "{message}");
}
