//! What the numbers depend on: versions, digests, seeds, machines, command lines.

use core::fmt::Write;

use serde_json::Value;
use terrace_addr::convert;
use terrace_result::{MachineUsed, Outcome};

use super::{begin_row, which_columns};
use crate::Loaded;
use crate::axes::Run;
use crate::cells::View;
use crate::html::{Align, Table, details, escaped};

pub(crate) fn provenance(view: &View<'_>, results: &[Loaded]) -> String {
    let mut html: String = results.iter().map(of_result).collect();
    html += &endings(view, results);
    html += &details("Each run: machine, seed, times, how it ended", &runs(view).finish(""));
    let configurations = view.runs.all.iter().find(|run| !run.configuration.is_empty());
    if let Some(run) = configurations {
        let name = run.result.labels.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ");
        let title = if name.is_empty() { String::new() } else { format!(" ({name})") };
        let text = format!("<pre>{}</pre>\n", escaped(run.configuration));
        html += &details(&format!("The whole configuration of the first run{title}"), &text);
    }
    html
}

fn of_result(loaded: &Loaded) -> String {
    let result = &loaded.result;
    let mut list = String::new();
    let mut entry = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(list, "<dt>{}</dt><dd>{value}</dd>", escaped(name));
    };
    let scenario = &result.scenario;
    entry("result", &format!("{}, SHA-256 {}", escaped(&loaded.name), digest(loaded.sha256.as_str())));
    entry("scenario", &format!("{}, SHA-256 {}", escaped(&scenario.name), digest(scenario.sha256.as_str())));
    let overrides: Vec<_> =
        scenario.overrides.iter().map(|text| format!("<code>{}</code>", escaped(text))).collect();
    if !overrides.is_empty() {
        entry("changed in it", &overrides.join(", "));
    }
    for MachineUsed { name, sha256, overrides } in &result.machines {
        let changed: Vec<_> =
            overrides.iter().map(|text| format!(", <code>{}</code>", escaped(text))).collect();
        let changed = changed.concat();
        entry("machine", &format!("{}, SHA-256 {}{changed}", escaped(name), digest(sha256.as_str())));
    }
    entry(
        "Terrace",
        &format!("{}, model version {}", escaped(&result.terrace_version), result.model_version),
    );
    if let Some(circumstances) = &loaded.circumstances {
        for (name, value) in circumstances_of(circumstances) {
            entry(name, &value);
        }
    }
    format!("<dl>\n{list}</dl>\n")
}

/// A digest, as it is written small.
pub(crate) fn digest(text: &str) -> String {
    format!("<code class=\"digest\">{}</code>", escaped(text))
}

/// What `run.json` says of it, as far as it does.
pub(crate) fn circumstances_of(document: &Value) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if let Some(words) = document["command"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        all.push(("command", format!("<code>{}</code>", escaped(&command(&words)))));
    }
    let host = &document["host"];
    if let Some(processor) = host["processor"].as_str() {
        let text = |name: &str| host[name].as_str().unwrap_or("?").to_owned();
        let cpus = host["cpus"].as_u64().unwrap_or(0);
        let said = format!("{processor}, {cpus} CPUs, {}, {}", text("system"), text("architecture"));
        all.push(("simulated on", escaped(&said)));
    }
    if let Some(seconds) = document["wall_seconds"].as_f64() {
        let threads = document["threads"].as_u64().unwrap_or(1);
        let accesses = document["simulated_accesses"].as_u64().map_or_else(String::new, |accesses| {
            format!(", {:.0} M simulated accesses", convert::ratio(accesses, 1_000_000))
        });
        all.push(("took", format!("{seconds:.1} s on {threads} threads{accesses}")));
    }
    if let Some(started) = document["started_unix_seconds"].as_u64() {
        all.push(("started", day(started)));
    }
    all
}

/// A command line that a shell understands.
fn command(words: &[&str]) -> String {
    let plain = |word: &str| {
        !word.is_empty() && word.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_./=,:+@%".contains(&it))
    };
    let program = words.first().map(|word| word.rsplit('/').next().unwrap_or(word).to_owned());
    let rest = words.iter().skip(1).map(|word| {
        if plain(word) { (*word).to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
    });
    program.into_iter().chain(rest).collect::<Vec<_>>().join(" ")
}

/// A time since 1970 as a date and time in UTC: days are counted in years that begin with March, so that a leap day is
/// the last of its year.
fn day(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // 1 March of the year 0, and eras of 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, after) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = 400 * era + year + after;
    format!("{year}-{month:02}-{of_month:02} {:02}:{:02} UTC", rest / 3600, rest / 60 % 60)
}

/// Which runs did not come to their end.
fn endings(view: &View<'_>, results: &[Loaded]) -> String {
    let measured = |input: usize, number: usize| {
        view.runs.all.iter().any(|run| run.input == input && run.number == number)
    };
    let mut list = String::new();
    for (input, loaded) in results.iter().enumerate() {
        for (number, run) in loaded.result.runs.iter().enumerate() {
            if run.outcome == Outcome::Complete {
                continue;
            }
            let labels = run.labels.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ");
            let left_out = if measured(input, number) { "" } else { " Nothing of it was measured." };
            let said = format!("{labels}: {}{left_out}", run.outcome);
            let _ = writeln!(list, "<li>{}</li>", escaped(said.trim_start_matches(": ")));
        }
    }
    if list.is_empty() {
        list
    } else {
        format!("<h3>Runs that did not come to their end</h3>\n<ul>{list}</ul>\n")
    }
}

fn runs(view: &View<'_>) -> Table {
    let mut table = Table::default();
    let axes = which_columns(view, &mut table);
    for (title, meaning, align) in [
        ("machine", "", Align::Left),
        ("seed", "", Align::Right),
        ("simulated, ms", "with first touch and warm-up", Align::Right),
        ("measured, ms", "", Align::Right),
        ("weight", "how many accesses each simulated access of the measured time stands for", Align::Right),
        ("sampling error, %", "", Align::Right),
        ("outcome", "", Align::Left),
    ] {
        table.column(title, meaning, align);
    }
    for run in &view.runs.all {
        begin_row(view, &mut table, &axes, run);
        table.cell(&run.result.machine, Align::Left);
        table.cell(seed(run), Align::Right);
        for time in [run.result.simulated, run.result.measured] {
            table.cell(&format!("{:.3}", convert::ratio(time.get(), 1_000_000)), Align::Right);
        }
        table.cell(&run.result.weight.to_string(), Align::Right);
        let error = crate::figures::sampling_error(run.result);
        let error = error.map_or_else(|| "–".to_owned(), |error| format!("{:.2}", 100.0 * error));
        table.cell(&error, Align::Right);
        let complete = run.result.outcome == Outcome::Complete;
        table.cell(
            &if complete { "complete".to_owned() } else { run.result.outcome.to_string() },
            Align::Left,
        );
    }
    table
}

fn seed<'a>(run: &Run<'a>) -> &'a str {
    run.configuration.lines().find_map(|line| line.strip_prefix("seed = ")).unwrap_or("–")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (951_868_800, "2000-03-01 00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
            (1_795_288_136, "2026-11-21 19:08 UTC"),
        ] {
            assert_eq!(day(seconds), text);
        }
    }

    #[test]
    fn command_lines_can_be_run_again() {
        let words = ["/somewhere/terrace", "run", "a b.toml", "--set", "time.measure=50 ms", "it's"];
        assert_eq!(command(&words), r"terrace run 'a b.toml' --set 'time.measure=50 ms' 'it'\''s'");
    }
}
