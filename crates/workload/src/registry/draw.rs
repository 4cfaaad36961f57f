//! Numbers that nothing states, drawn from their ranges.
//!
//! A named program's numbers are mostly assumed, each with the range in which the truth is thought to lie. A *draw* is
//! one choice of all of them; many draws show how far a result depends on what was assumed.

use super::{Parameter, Preset, Range, Source};
use crate::random::{Stream, nearest_whole, real};

/// Which choice of the assumed numbers a program has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Draw {
    /// The stated ones.
    Stated,
    /// The choice of this number.
    Number(u64),
}

impl Draw {
    /// The draw of this number; 0 is what is stated.
    pub(crate) const fn of(number: u64) -> Self {
        if number == 0 { Self::Stated } else { Self::Number(number) }
    }

    /// A number of `program`, as this draw has it: uniform in its logarithm, since ranges are factors around a guess.
    /// What is not assumed stays.
    pub(crate) fn number(self, program: &str, name: &str, preset: Preset, source: Source) -> Preset {
        let (Self::Number(number), Source::Assumed { low, high, .. }) = (self, source) else { return preset };
        let unit = Stream::new(number, &format!("{program}.{name}"), 0).unit();
        let value =
            if low > 0.0 { low * libm::exp(libm::log(high / low) * unit) } else { low + (high - low) * unit };
        match preset {
            Preset::Whole(_) => Preset::Whole(nearest_whole(value)),
            Preset::Real(_) => Preset::Real(value),
            Preset::Word(word) => Preset::Word(word),
        }
    }

    /// The default of a parameter of `program`, as this draw has it.
    pub(super) fn default_of(self, program: &str, parameter: &Parameter) -> Preset {
        let drawn = self.number(program, parameter.name, parameter.default, parameter.source);
        match (drawn, parameter.range) {
            (Preset::Whole(value), Range::Whole(low, high)) => Preset::Whole(value.clamp(low, high)),
            (Preset::Real(value), Range::Real(low, high)) => Preset::Real(value.clamp(low, high)),
            (Preset::Whole(value), Range::Real(low, high)) => Preset::Real(real(value).clamp(low, high)),
            (drawn, _) => drawn,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASSUMED: Source = Source::Assumed { reason: "a guess", low: 2.0, high: 32.0 };

    fn drawn(number: u64) -> f64 {
        match Draw::of(number).number("program", "number", Preset::Real(4.0), ASSUMED) {
            Preset::Real(value) => value,
            Preset::Whole(_) | Preset::Word(_) => panic!("a real number stays one"),
        }
    }

    #[test]
    fn draws_lie_in_the_range_with_the_middle_of_its_logarithm_as_their_median() {
        let draws: Vec<_> = (1..=1000).map(drawn).collect();
        assert!(draws.iter().all(|value| (2.0..=32.0).contains(value)));
        let below = draws.iter().filter(|&&value| value < 8.0).count();
        // Four standard deviations of a binomial of 1,000 draws at a half are 63.
        assert!(below.abs_diff(500) < 63, "{below}");
        assert_eq!(drawn(7).to_bits(), drawn(7).to_bits());
    }

    #[test]
    fn what_is_stated_and_what_the_draw_of_nothing_has_stays() {
        assert_eq!(drawn(0).to_bits(), 4.0_f64.to_bits());
        let stated = Source::Stated("a manual");
        assert_eq!(Draw::of(3).number("program", "number", Preset::Whole(5), stated), Preset::Whole(5));
    }
}
