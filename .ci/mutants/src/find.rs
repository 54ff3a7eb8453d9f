//! Which places of a source file can be broken, and how.

use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{
    Attribute, BinOp, Block, Expr, ExprBinary, ExprUnary, GenericArgument, ImplItemFn, ItemConst, ItemFn,
    ItemMod, ItemStatic, PathArguments, ReturnType, Signature, TraitItemFn, Type, UnOp,
};

/// One way to break one place.
#[derive(Debug)]
pub(crate) struct Place {
    /// The function it stands in.
    pub(crate) function: String,
    /// Its line, from 1.
    pub(crate) line: usize,
    /// What stands there instead, for people.
    pub(crate) told: String,
    pub(crate) change: Change,
}

/// What is written into the source.
#[derive(Debug)]
pub(crate) enum Change {
    /// The function's body begins with a return of this.
    Returns { at: usize, value: &'static str },
    /// This text stands for the expression.
    Becomes { of: Range<usize>, text: String },
}

/// All places of one file.
pub(crate) fn places(source: &str) -> syn::Result<Vec<Place>> {
    let mut finder = Finder { source, function: String::new(), places: Vec::new() };
    finder.visit_file(&syn::parse_file(source)?);
    Ok(finder.places)
}

struct Finder<'s> {
    source: &'s str,
    function: String,
    places: Vec<Place>,
}

impl Finder<'_> {
    fn enter(&mut self, attributes: &[Attribute], signature: &Signature, block: &Block) {
        // A constant function cannot ask which mutant was chosen.
        if signature.constness.is_some() || is_for_tests(attributes) {
            return;
        }
        let before = std::mem::replace(&mut self.function, signature.ident.to_string());
        let at = block.brace_token.span.open().byte_range().end;
        for value in values(&signature.output) {
            let told = format!("return {value}");
            self.put(signature.ident.span(), told, Change::Returns { at, value });
        }
        visit::visit_block(self, block);
        self.function = before;
    }

    fn put(&mut self, at: Span, told: String, change: Change) {
        let (function, line) = (self.function.clone(), at.start().line);
        self.places.push(Place { function, line, told, change });
    }

    fn text(&self, span: Span) -> &str {
        self.source.get(span.byte_range()).unwrap_or_default()
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_const(&mut self, _: &'ast ItemConst) {}

    fn visit_item_static(&mut self, _: &'ast ItemStatic) {}

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.enter(&function.attrs, &function.sig, &function.block);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.enter(&function.attrs, &function.sig, &function.block);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.enter(&function.attrs, &function.sig, block);
        }
    }

    fn visit_expr_binary(&mut self, binary: &'ast ExprBinary) {
        if let Some(other) = other(&binary.op)
            && !has_let(&binary.left)
            && !has_let(&binary.right)
        {
            let (left, right) = (self.text(binary.left.span()), self.text(binary.right.span()));
            let text = format!("{left} {other} {right}");
            let told = flat(&format!("{} -> {text}", self.text(binary.span())));
            self.put(binary.span(), told, Change::Becomes { of: binary.span().byte_range(), text });
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast ExprUnary) {
        if matches!(unary.op, UnOp::Not(_)) {
            let text = self.text(unary.expr.span()).to_owned();
            let told = flat(&format!("!{text} -> {text}"));
            self.put(unary.span(), told, Change::Becomes { of: unary.span().byte_range(), text });
        }
        visit::visit_expr_unary(self, unary);
    }
}

/// The operator that says nearly the same.
const fn other(operator: &BinOp) -> Option<&'static str> {
    Some(match operator {
        BinOp::Eq(_) => "!=",
        BinOp::Ne(_) => "==",
        BinOp::Lt(_) => "<=",
        BinOp::Le(_) => "<",
        BinOp::Gt(_) => ">=",
        BinOp::Ge(_) => ">",
        BinOp::And(_) => "||",
        BinOp::Or(_) => "&&",
        _ => return None,
    })
}

/// Whether a chain of conditions binds a name on its way: nothing but `&&` can stand there.
fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let text = |attribute: &Attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string().contains("test"),
        _ => false,
    };
    attributes.iter().any(text)
}

/// The plain values of what a function gives back.
fn values(output: &ReturnType) -> Vec<&'static str> {
    match output {
        ReturnType::Default => vec!["()"],
        ReturnType::Type(_, inner) => plain(inner),
    }
}

fn plain(inner: &Type) -> Vec<&'static str> {
    match inner {
        Type::Tuple(tuple) if tuple.elems.is_empty() => vec!["()"],
        Type::Path(path) => path.path.segments.last().map_or_else(Vec::new, |last| {
            match (last.ident.to_string().as_str(), first_argument(&last.arguments)) {
                ("bool", _) => vec!["true", "false"],
                ("Option", _) => vec!["None"],
                ("Vec", _) => vec!["Vec::new()"],
                ("String", _) => vec!["String::new()"],
                ("usize" | "u8" | "u16" | "u32" | "u64" | "i64", _) => vec!["0"],
                ("Duration", _) => vec!["std::time::Duration::ZERO"],
                ("Result", Some(good)) => plain(good).into_iter().filter_map(in_ok).collect(),
                _ => Vec::new(),
            }
        }),
        _ => Vec::new(),
    }
}

fn in_ok(value: &'static str) -> Option<&'static str> {
    Some(match value {
        "()" => "Ok(())",
        "true" => "Ok(true)",
        "false" => "Ok(false)",
        "None" => "Ok(None)",
        "Vec::new()" => "Ok(Vec::new())",
        "0" => "Ok(0)",
        _ => return None,
    })
}

fn first_argument(arguments: &PathArguments) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}

/// On one line.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: &str) -> Vec<String> {
        places(source)
            .unwrap()
            .into_iter()
            .map(|place| format!("{}: {}", place.function, place.told))
            .collect()
    }

    #[test]
    fn a_function_returns_every_plain_value_of_its_type() {
        assert_eq!(
            told("async fn f() -> Result<bool, E> { g() }"),
            ["f: return Ok(true)", "f: return Ok(false)"]
        );
        assert_eq!(told("fn f() { g() }"), ["f: return ()"]);
        assert!(told("const fn f() -> bool { A }").is_empty());
        assert!(told("fn f() -> Answer { g() }").is_empty());
    }

    #[test]
    fn comparisons_become_their_neighbours_and_a_chain_with_a_name_stays_one() {
        let source = "fn f() -> A { if a == b && let Some(c) = d && !e { g() } }";
        assert_eq!(told(source), ["f: a == b -> a != b", "f: !e -> e"]);
        assert_eq!(told("fn f() -> A { a < b || c }"), ["f: a < b || c -> a < b && c", "f: a < b -> a <= b"]);
    }

    #[test]
    fn what_only_tests_use_stays_whole() {
        assert!(told("#[cfg(test)] mod tests { fn f() -> bool { true } }").is_empty());
    }
}
