//! Traditional Chinese to simplified, by OpenCC's dictionaries: longest phrase first, then
//! characters.

#[cfg(feature = "traditional")]
mod opencc {
    use std::sync::LazyLock;

    use ferrous_opencc::OpenCC;
    use ferrous_opencc::config::BuiltinConfig;

    use crate::{Error, Result};

    static CONVERTER: LazyLock<Result<OpenCC, String>> =
        LazyLock::new(|| OpenCC::from_config(BuiltinConfig::T2s).map_err(|e| e.to_string()));

    pub(in super::super) fn check() -> Result<()> {
        let broken = |e: &String| Error::data("the built-in table of traditional characters", e);
        CONVERTER.as_ref().map(|_| ()).map_err(broken)
    }

    pub(in super::super) fn simplify(text: &str) -> Option<String> {
        if text.is_ascii() {
            return None;
        }
        let simplified = CONVERTER.as_ref().ok()?.convert(text);
        (simplified != text).then_some(simplified)
    }
}

#[cfg(not(feature = "traditional"))]
mod opencc {
    use crate::{Error, Result};

    pub(in super::super) fn check() -> Result<()> {
        let why = "build rec-core with the feature `traditional`, which is on by default";
        Err(Error::unsupported("traditional to simplified Chinese", "this build", why))
    }

    pub(in super::super) fn simplify(_: &str) -> Option<String> {
        None
    }
}

pub(super) use opencc::{check, simplify};

#[cfg(all(test, feature = "traditional"))]
mod tests {
    use super::simplify;

    #[test]
    fn phrases_come_before_characters() {
        assert_eq!(simplify("乾隆皇后後來頭髮乾燥，發展").unwrap(), "乾隆皇后后来头发干燥，发展");
        assert_eq!(simplify("於是樊於期藉口瞭望，瞭解").unwrap(), "于是樊於期借口瞭望，了解");
        assert_eq!(simplify("手机很好 abc 😀"), None);
        assert_eq!(simplify("abc"), None);
    }
}
