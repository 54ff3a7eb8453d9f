//! The page of cases is written by the suite.

use lockport_contract::cases;

#[test]
fn the_page_is_not_stale() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/CASES.md")).unwrap();
    assert!(page == cases::page(), "CASES.md is stale: write it with `lockport-contract cases > CASES.md`");
}

#[test]
fn ids_have_the_form_area_nnn_and_are_used_once() {
    let mut seen = std::collections::BTreeSet::new();
    for case in cases::all() {
        let (area, number) = case.id.split_once('-').unwrap();
        assert!(area.chars().all(|c| c.is_ascii_uppercase()) && number.len() == 3, "{}", case.id);
        assert!(number.parse::<u16>().is_ok(), "{}", case.id);
        assert!(seen.insert(case.id), "{} stands twice", case.id);
        assert!(case.requirement.ends_with('.') && !case.spec.is_empty(), "{}", case.id);
    }
}
