//! Who lives together: sizes, generations and ages of households (census of 2020, as shares of the country).
//! Never anything about a person but age, sex and relation; names and numbers come later.
//! The first member is the head, and the relations are codes of GB/T 4761 to that head.

use super::dice::Dice;
use jiff::ToSpan as _;
use jiff::civil::Date;

/// Sizes of households by hundredths; five stands for five and more.
const SIZES: [(u32, u32); 5] = [(1, 25), (2, 30), (3, 21), (4, 13), (5, 11)];
/// Men among a hundred children, by ten thousand.
const BOYS: u32 = 5_300;

/// Whose surname somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surname {
    /// The head's.
    Head,
    /// The husband's, where the head is the wife.
    Spouse,
    /// Their own.
    Own,
}

/// Somebody in a household.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) relation: &'static str,
    pub(super) age: u32,
    pub(super) is_male: bool,
    pub(super) surname: Surname,
}

/// A family, or people who share a flat.
pub(super) fn family(is_village: bool, dice: &mut Dice) -> Vec<Member> {
    match dice.weighted(&SIZES) {
        1 => alone(dice),
        2 => two(dice),
        3 if is_village && dice.chance(1_500) => left_behind(1, dice),
        3 => three(dice),
        4 if is_village && dice.chance(1_500) => left_behind(2, dice),
        4 => four(dice),
        _ => many(dice),
    }
}

/// People of one room of a dormitory.
pub(super) fn dormitory(dice: &mut Dice) -> Vec<Member> {
    let (count, is_male) = (dice.between(3, 6), dice.chance(5_500));
    (0..count).map(|_| member("99", dice.bell(16, 38), is_male, Surname::Own)).collect()
}

/// A day of birth that gives this age today.
pub(super) fn birth_date(age: u32, today: Date, dice: &mut Dice) -> Date {
    let latest = years_before(today, age);
    latest.saturating_sub(i64::from(dice.below(365)).days())
}

/// The same day so many years ago.
pub(super) fn years_before(day: Date, years: u32) -> Date {
    day.saturating_sub(i64::from(years).years())
}

fn member(relation: &'static str, age: u32, is_male: bool, surname: Surname) -> Member {
    Member { relation, age, is_male, surname }
}

fn old_age(dice: &mut Dice) -> u32 {
    // Twice the lower of two: many at sixty-five, few at ninety.
    60 + dice.below(34).min(dice.below(34))
}

fn alone(dice: &mut Dice) -> Vec<Member> {
    let is_old = dice.chance(3_600);
    let (age, men) = if is_old { (old_age(dice), 4_000) } else { (dice.between(18, 59), 6_200) };
    vec![member("02", age, dice.chance(men), Surname::Head)]
}

fn two(dice: &mut Dice) -> Vec<Member> {
    match dice.below(100) {
        0..30 => {
            let age = old_age(dice);
            couple(age, dice)
        }
        30..70 => {
            let age = dice.between(22, 59);
            couple(age, dice)
        }
        70..90 => {
            let (age, is_male) = (dice.between(26, 50), dice.chance(3_000));
            let head = member("02", age, is_male, Surname::Head);
            vec![head, child(age, Surname::Head, dice)]
        }
        _ => {
            let (age, is_male) = (dice.between(19, 40), dice.chance(5_500));
            let other = member("99", dice.between(19, 40), is_male, Surname::Own);
            vec![member("02", age, is_male, Surname::Head), other]
        }
    }
}

fn three(dice: &mut Dice) -> Vec<Member> {
    let age = dice.between(25, 54);
    let mut people = couple(age, dice);
    if dice.chance(1_200) {
        people.push(parent(&people[0], dice));
    } else {
        people.push(child(age, childs_surname(&people), dice));
    }
    people
}

fn four(dice: &mut Dice) -> Vec<Member> {
    let age = dice.between(28, 48);
    let mut people = couple(age, dice);
    people.push(child(age, childs_surname(&people), dice));
    if dice.chance(6_000) {
        people.push(child(age, childs_surname(&people), dice));
    } else {
        people.push(parent(&people[0], dice));
    }
    people
}

fn many(dice: &mut Dice) -> Vec<Member> {
    let age = dice.between(30, 46);
    let mut people = couple(age, dice);
    let (children, parents) =
        dice.weighted(&[((2, 1), 55), ((1, 2), 15), ((2, 2), 18), ((3, 1), 8), ((3, 2), 4)]);
    for _ in 0..children {
        people.push(child(age, childs_surname(&people), dice));
    }
    let first = parent(&people[0], dice);
    people.push(first);
    if parents == 2 {
        let relation = if first.is_male { "52" } else { "51" };
        let surname = if first.is_male { Surname::Own } else { Surname::Head };
        people.push(member(relation, first.age.saturating_sub(1), !first.is_male, surname));
    }
    people
}

/// Grandparents with the children of a son who works elsewhere.
fn left_behind(children: u32, dice: &mut Dice) -> Vec<Member> {
    let age = dice.between(55, 74);
    let mut people = couple(age, dice);
    for _ in 0..children {
        let is_male = dice.chance(BOYS);
        let relation = if is_male { "41" } else { "42" };
        people.push(member(relation, dice.between(1, 15), is_male, childs_surname(&people)));
    }
    people
}

fn couple(age: u32, dice: &mut Dice) -> Vec<Member> {
    let is_male = dice.chance(7_500);
    let other = (age + dice.below(6)).saturating_sub(3).max(20);
    let relation = if is_male { "12" } else { "11" };
    vec![member("02", age, is_male, Surname::Head), member(relation, other, !is_male, Surname::Own)]
}

/// Children bear the father's surname.
fn childs_surname(couple: &[Member]) -> Surname {
    if couple[0].is_male { Surname::Head } else { Surname::Spouse }
}

fn child(parents_age: u32, surname: Surname, dice: &mut Dice) -> Member {
    let age = parents_age.saturating_sub(dice.bell(22, 38)).min(26);
    let is_male = dice.chance(BOYS);
    member(if is_male { "20" } else { "30" }, age, is_male, surname)
}

fn parent(head: &Member, dice: &mut Dice) -> Member {
    let is_male = dice.chance(4_000);
    let age = (head.age + dice.between(22, 32)).min(96);
    let (relation, surname) = if is_male { ("51", Surname::Head) } else { ("52", Surname::Own) };
    member(relation, age, is_male, surname)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_pyramid_is_that_of_the_census() {
        let mut dice = Dice::new(1, 1);
        let households: Vec<Vec<Member>> = (0..40_000)
            .map(|place| match place % 33 {
                0 => dormitory(&mut dice),
                _ => family(place % 3 == 0, &mut dice),
            })
            .collect();
        let people: Vec<&Member> = households.iter().flatten().collect();
        let share = |test: &dyn Fn(&Member) -> bool| {
            people.iter().filter(|person| test(person)).count() * 1_000 / people.len()
        };
        let size = people.len() * 100 / households.len();
        let found = (
            size,
            share(&|person| person.age < 15),
            share(&|person| person.age < 14),
            share(&|person| person.age >= 60),
            share(&|person| person.age >= 65),
            share(&|person| person.is_male),
        );
        assert!((255..=275).contains(&found.0), "size {found:?}");
        assert!((160..=200).contains(&found.1), "under 15 {found:?}");
        assert!((150..=185).contains(&found.2), "under 14 {found:?}");
        assert!((170..=205).contains(&found.3), "from 60 {found:?}");
        assert!((115..=155).contains(&found.4), "from 65 {found:?}");
        assert!((500..=525).contains(&found.5), "men {found:?}");
    }

    #[test]
    fn a_day_of_birth_gives_the_age() {
        let mut dice = Dice::new(1, 2);
        for today in [date(2026, 11, 21), date(2028, 2, 29), date(2027, 1, 1)] {
            for age in 0..100 {
                let birth = birth_date(age, today, &mut dice);
                assert!(birth <= years_before(today, age), "{birth}");
                assert!(birth > years_before(today, age + 1), "{birth} at {age}");
            }
        }
    }

    #[test]
    fn nobody_is_older_than_their_parents() {
        let mut dice = Dice::new(1, 3);
        for _ in 0..5_000 {
            let people = family(false, &mut dice);
            for person in &people {
                match person.relation {
                    "20" | "30" => assert!(person.age + 18 <= people[0].age),
                    "51" | "52" => assert!(person.age >= people[0].age + 18),
                    _ => {}
                }
            }
        }
    }
}
