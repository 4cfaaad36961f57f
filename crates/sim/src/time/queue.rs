//! How long a request waits at a memory node.

/// The mean time that a request waits before its service begins, in the unit of `service`: the queue M/D/1, in which
/// requests come at random (Poisson) and each is served in the same time `service`.
///
/// The formula of Pollaczek and Khinchine for a service time without variance (Kleinrock, *Queueing Systems*,
/// volume 1, 1975, chapter 5): service × u ÷ 2(1 − u). At a utilisation of 1 and above it is infinite.
///
/// That requests come at random, and that any number may wait, is `assumed`. Cores have a bounded number of requests
/// outstanding: a lone pointer chase never waits for itself, and here it does, at its utilisation of about 1 % for
/// 1/200 of a service time. Near saturation a single request of an otherwise idle core is given more than it would
/// see.
pub(super) fn wait(service: f64, utilisation: f64) -> f64 {
    if utilisation < 1.0 { service * utilisation / (2.0 * (1.0 - utilisation)) } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_those_of_the_closed_form() {
        for (service, utilisation, expected) in
            [(8.0, 0.0, 0.0), (8.0, 0.5, 4.0), (8.0, 0.75, 12.0), (0.0, 0.5, 0.0)]
        {
            assert_eq!(
                wait(service, utilisation).to_bits(),
                f64::to_bits(expected),
                "{service} {utilisation}"
            );
        }
        assert!(wait(8.0, 1.0).is_infinite());
    }
}
