//! The page-size rule of each layer.

use core::str::FromStr;

use terrace_addr::PageSize;

use super::{InvalidRule, LayerName, PageRule};

/// The page-size rule of each layer. A mode uses the rules of the layers that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRules {
    /// Of the guest's table, or the only one.
    pub guest: PageRule,
    /// Of the guest hypervisor's table.
    pub hypervisor: PageRule,
    /// Of the host's table.
    pub host: PageRule,
}

impl PageRules {
    /// The same rule for all layers.
    pub const fn all(rule: PageRule) -> Self {
        Self { guest: rule, hypervisor: rule, host: rule }
    }

    /// The rule of a layer.
    pub const fn of(&self, layer: LayerName) -> PageRule {
        match layer {
            LayerName::Guest => self.guest,
            LayerName::Hypervisor => self.hypervisor,
            LayerName::Host => self.host,
        }
    }

    const fn of_mut(&mut self, layer: LayerName) -> &mut PageRule {
        match layer {
            LayerName::Guest => &mut self.guest,
            LayerName::Hypervisor => &mut self.hypervisor,
            LayerName::Host => &mut self.host,
        }
    }
}

impl Default for PageRules {
    /// 4K pages everywhere.
    fn default() -> Self {
        Self::all(PageRule::All(PageSize::Size4K))
    }
}

const LAYERS: &str = "guest=RULE, hypervisor=RULE or host=RULE, separated by commas";

impl FromStr for PageRules {
    type Err = InvalidRule;

    /// `guest=4K,hypervisor=4K,host=2M`; a layer that is not named has 4K pages, and one rule without a layer
    /// is for all of them.
    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        if !text.contains('=') {
            return text.parse().map(Self::all);
        }
        let mut rules = Self::default();
        let mut named = Vec::new();
        for part in text.split(',') {
            let invalid = |expected| InvalidRule { found: part.to_owned(), expected };
            let (name, rule) = part.split_once('=').ok_or_else(|| invalid(LAYERS))?;
            let layer = LayerName::of_name(name).ok_or_else(|| invalid(LAYERS))?;
            if named.contains(&layer) {
                return Err(invalid("each layer once"));
            }
            named.push(layer);
            *rules.of_mut(layer) = rule.parse()?;
        }
        Ok(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_layer_by_layer() {
        let rules: PageRules = "guest=2M:0.3,host=1G".parse().unwrap();
        assert_eq!(rules.guest, PageRule::Share { millionths: 300_000 });
        assert_eq!(rules.hypervisor, PageRule::All(PageSize::Size4K));
        assert_eq!(rules.host, PageRule::All(PageSize::Size1G));
        assert_eq!("2M".parse::<PageRules>().unwrap(), PageRules::all(PageRule::All(PageSize::Size2M)));
        let rules: PageRules = "hypervisor=1G".parse().unwrap();
        assert_eq!(LayerName::ALL.map(|layer| rules.of(layer).to_string()), ["4K", "1G", "4K"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, found, expected) in [
            ("guest=4K;host=2M", "4K;host=2M", "4K, 2M"),
            ("guest=4K,kernel=2M", "kernel=2M", "hypervisor=RULE"),
            ("guest=4K,2M", "2M", "guest=RULE"),
            ("host=4K,guest=4K,host=2M", "host=2M", "each layer once"),
            ("host=8K", "8K", "4K, 2M"),
        ] {
            let error = text.parse::<PageRules>().unwrap_err();
            assert_eq!(error.found, found);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
