//! Two columns and long sentences, for a terminal of 120 characters.

/// Width of the left column, with the space behind it.
const LEFT: usize = 70;

const WIDTH: usize = 120;

/// Two texts beside each other, each wrapped in its column.
pub(super) fn columns(left: &str, right: &str) -> String {
    let (left, right) = (wrap(left, LEFT - 2, "  "), wrap(right, WIDTH - LEFT, "  "));
    let line = |at: usize| {
        let of = |column: &[String]| column.get(at).cloned().unwrap_or_default();
        format!("{:LEFT$}{}", of(&left), of(&right)).trim_end().to_string()
    };
    (0..left.len().max(right.len())).map(line).collect::<Vec<_>>().join("\n")
}

pub(super) fn wrapped(text: &str) -> String {
    wrap(text, WIDTH, "  ").join("\n")
}

/// Lines of whole words; those after the first are indented.
fn wrap(text: &str, width: usize, indent: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let fits = lines.last().is_some_and(|line| line.chars().count() + 1 + word.chars().count() <= width);
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if fits => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_columns_beside_each_other() {
        let text = columns(&"left ".repeat(20), "right");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("left left") && lines[0].ends_with("right") && lines[1].starts_with("  left"));
        assert!(lines.iter().all(|line| line.len() <= WIDTH));
    }
}
