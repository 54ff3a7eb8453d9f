//! What the workspace consists of, as `cargo metadata` tells it.

use std::path::PathBuf;

use serde_json::Value;

/// The name of this crate: it has no features of its own to try and no one links it.
const SELF: &str = "xtask";

/// The package that short names leave out, and what to call it instead.
const CORE: (&str, &str) = ("core", "lockport");

/// One way to switch a package's features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FeatureSet {
    /// Not even the default ones.
    Bare,
    /// One feature and what it pulls in.
    Only(String),
    /// Every feature at once.
    All,
}

impl FeatureSet {
    /// The words after the step's package name.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Bare => "no features".to_owned(),
            Self::Only(feature) => format!("only {feature}"),
            Self::All => "all features".to_owned(),
        }
    }

    /// The arguments by which cargo switches this set on.
    pub(crate) fn arguments(&self) -> Vec<String> {
        match self {
            Self::Bare => vec!["--no-default-features".to_owned()],
            Self::Only(feature) => vec!["--no-default-features".to_owned(), format!("--features={feature}")],
            Self::All => vec!["--all-features".to_owned()],
        }
    }
}

/// One member of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name as cargo knows it.
    pub(crate) name: String,
    /// Whether other crates, and so doc tests, can use it.
    pub(crate) has_library: bool,
    has_binary: bool,
    features: Vec<String>,
}

impl Package {
    /// The sets to check: none, each alone, all; sets that would be the same are named once.
    ///
    /// `default` is a list of others and not a feature of its own, and a leading underscore marks a feature nobody may
    /// turn on by hand. An optional dependency that cargo turns into a feature *is* tried: a user can turn it on.
    pub(crate) fn feature_sets(&self) -> Vec<FeatureSet> {
        let own: Vec<&String> = self
            .features
            .iter()
            .filter(|feature| *feature != "default" && !feature.starts_with('_'))
            .collect();
        let mut sets = vec![FeatureSet::Bare];
        if own.len() > 1 {
            sets.extend(own.iter().map(|feature| FeatureSet::Only((*feature).clone())));
        }
        if !own.is_empty() {
            sets.push(FeatureSet::All);
        }
        sets
    }

    /// What `cargo check` must be asked for so that it checks anything: by default it passes over examples, and a
    /// package that has nothing else would be green unseen.
    pub(crate) fn target_arguments(&self) -> &'static [&'static str] {
        if self.has_library || self.has_binary { &[] } else { &["--examples"] }
    }

    fn short_name(&self) -> &str {
        if self.name == CORE.1 { CORE.0 } else { self.name.strip_prefix("lockport-").unwrap_or(&self.name) }
    }
}

/// The members and where they live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Workspace {
    /// The folder every check runs in, whatever folder the command was called from.
    pub(crate) root: PathBuf,
    packages: Vec<Package>,
}

impl Workspace {
    /// Reads the answer of `cargo metadata --no-deps --format-version 1`.
    pub(crate) fn parse(metadata: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(metadata).map_err(|error| error.to_string())?;
        let root = text(&value, "workspace_root")?;
        let packages = list(&value, "packages")?.iter().map(package).collect::<Result<_, _>>()?;
        Ok(Self { root: root.into(), packages })
    }

    /// The packages whose features are tried one by one.
    pub(crate) fn checked_packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.name != SELF)
    }

    /// Finds a package by its name or its short name.
    pub(crate) fn find(&self, name: &str) -> Result<&Package, String> {
        self.packages
            .iter()
            .find(|package| package.name == name)
            .or_else(|| self.packages.iter().find(|package| package.short_name() == name))
            .ok_or_else(|| {
                let known: Vec<&str> = self.packages.iter().map(Package::short_name).collect();
                format!("no package `{name}` here; there are: {}", known.join(", "))
            })
    }
}

fn package(value: &Value) -> Result<Package, String> {
    let mut has_library = false;
    let mut has_binary = false;
    for target in list(value, "targets")? {
        for kind in list(target, "kind")?.iter().filter_map(Value::as_str) {
            has_binary |= kind == "bin";
            has_library |= kind == "proc-macro" || kind.ends_with("lib");
        }
    }
    let features = value.get("features").and_then(Value::as_object).ok_or("no `features` in the metadata")?;
    Ok(Package {
        name: text(value, "name")?.to_owned(),
        has_library,
        has_binary,
        features: features.keys().cloned().collect(),
    })
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, String> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| format!("no `{key}` in the metadata"))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>, String> {
    value.get(key).and_then(Value::as_array).ok_or_else(|| format!("no `{key}` in the metadata"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{
        "workspace_root": "/tree",
        "packages": [
            {"name": "lockport", "targets": [{"kind": ["lib"]}],
             "features": {"default": [], "_probe": [], "reqwest": ["dep:reqwest"], "test-util": []}},
            {"name": "lockport-mock", "targets": [{"kind": ["lib"]}, {"kind": ["test"]}], "features": {}},
            {"name": "lockport-ttlock", "targets": [{"kind": ["rlib"]}], "features": {"default": ["cloud"], "cloud": []}},
            {"name": "lockport-examples", "targets": [{"kind": ["example"]}], "features": {}},
            {"name": "xtask", "targets": [{"kind": ["bin"]}], "features": {}}
        ]
    }"#;

    fn sample() -> Workspace {
        Workspace::parse(METADATA).unwrap()
    }

    fn sets(name: &str) -> Vec<FeatureSet> {
        sample().find(name).unwrap().feature_sets()
    }

    #[test]
    fn several_features_are_tried_bare_alone_and_together() {
        let want = vec![
            FeatureSet::Bare,
            FeatureSet::Only("reqwest".into()),
            FeatureSet::Only("test-util".into()),
            FeatureSet::All,
        ];
        assert_eq!(sets("core"), want);
    }

    #[test]
    fn sets_that_are_the_same_are_named_once() {
        assert_eq!(sets("mock"), vec![FeatureSet::Bare]);
        assert_eq!(sets("ttlock"), vec![FeatureSet::Bare, FeatureSet::All]);
    }

    #[test]
    fn one_feature_alone_leaves_the_default_ones_off() {
        let arguments = FeatureSet::Only("reqwest".into()).arguments();
        assert_eq!(arguments, ["--no-default-features", "--features=reqwest"]);
    }

    #[test]
    fn a_package_of_examples_alone_is_asked_for_its_examples() {
        let tree = sample();
        assert_eq!(tree.find("examples").unwrap().target_arguments(), ["--examples"]);
        assert!(tree.find("core").unwrap().target_arguments().is_empty());
        assert!(tree.find("xtask").unwrap().target_arguments().is_empty());
    }

    #[test]
    fn this_crate_is_not_in_the_feature_matrix() {
        let tree = sample();
        let names: Vec<&str> = tree.checked_packages().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["lockport", "lockport-mock", "lockport-ttlock", "lockport-examples"]);
    }

    #[test]
    fn short_and_full_names_find_the_same_package() {
        let tree = sample();
        for (short, full) in [("core", "lockport"), ("ttlock", "lockport-ttlock"), ("xtask", "xtask")] {
            assert_eq!(tree.find(short).unwrap().name, full);
            assert_eq!(tree.find(full).unwrap().name, full);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let answer = sample().find("salto").unwrap_err();
        assert_eq!(answer, "no package `salto` here; there are: core, mock, ttlock, examples, xtask");
    }

    #[test]
    fn metadata_without_packages_is_refused() {
        assert_eq!(
            Workspace::parse(r#"{"workspace_root": "/tree"}"#).unwrap_err(),
            "no `packages` in the metadata"
        );
    }
}
