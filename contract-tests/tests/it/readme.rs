//! The matrix of vendors in the project's README is what the drivers say of themselves.

use lockport_contract::matrix;

#[test]
fn the_matrix_is_not_stale() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- matrix -->\n").expect("the README has no matrix");
    let (shown, _) = rest.split_once("<!-- /matrix -->").expect("the matrix has no end");
    let page = matrix::page(&matrix::descriptors());
    assert!(shown == page, "the README's matrix is stale; `lockport-contract matrix` prints:\n{page}");
}
