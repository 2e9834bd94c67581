//! Finds the existing name that the author of an unknown name may have meant.

/// The name that differs least, if it is close enough. For names with a collection, such as `operators/maya`, only the
/// last part decides what is close enough.
pub fn nearest(name: &str, others: impl Iterator<Item = String>) -> Option<String> {
    let length = name.rsplit('/').next().unwrap_or_default().chars().count();
    let most = (length / 3).clamp(1, 3);
    let near = others.map(|other| (distance(name, &other, most), other)).filter(|(far, _)| *far <= most);
    near.min().map(|(_, other)| other)
}

/// How many letters have to be added, removed or changed (Levenshtein). Anything above `most` if there are more.
fn distance(one: &str, other: &str, most: usize) -> usize {
    if one.len().abs_diff(other.len()) > most {
        return most + 1;
    }
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, also) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *also);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_proposed_only_if_it_is_near() {
        let others = || ["operators/maya", "operators/mara", "operators/li"].map(String::from).into_iter();
        assert_eq!(nearest("operators/mayaa", others()).as_deref(), Some("operators/maya"));
        assert_eq!(nearest("operators/mya", others()).as_deref(), Some("operators/maya"));
        assert_eq!(nearest("operators/sam", others()), None);
        assert_eq!(nearest("operators/l", others()).as_deref(), Some("operators/li"));
    }
}
