//! What a register has to bear: rare characters, names of every form, missing and shared numbers, equal names next door.
//! Never left to chance: a small city has each of them at least once, in the known building of the first grid.
//! The five pairs of equal names live door to door, one pair in each grid of the first community.

use super::households::Person;
use super::known::{HERE, Scene, with_phone};
use super::lines::Line;
use super::numbers::citizen_number_with_x;
use jiff::ToSpan as _;

/// Names that two neighbours share: one for each grid of the first community.
const PAIRS: [(&str, u32); 5] = [("王秀英", 1), ("李伟", 0), ("张丽", 1), ("刘洋", 0), ("陈静", 1)];

/// People alone in their flats: entrance, room, name, sequence number.
const NAMES: [(u32, u32, &str, u32); 8] = [
    (1, 302, "王子𬀩", 201),
    (1, 401, "艾力·买买提", 205),
    (1, 402, "努尔艾合买提江·阿不都热依木", 207),
    (1, 501, "欧阳建华", 209),
    (1, 502, "司马兰", 210),
    (1, 601, "上官文彬", 211),
    (1, 602, "林可可心", 212),
    (3, 101, "赵𫖯", 213),
];

/// The lines of the first grid.
pub(super) fn of_the_first_grid(scene: &Scene<'_>) -> Vec<Line> {
    let mut lines: Vec<Option<Line>> = vec![
        one_telephone_for_two(scene),
        two_numbers_with_x(scene),
        telephone_out_of_use(scene),
        without_number(scene),
        from_abroad(scene),
    ];
    for (place, (entrance, room, name, sequence)) in (0..).zip(NAMES) {
        let birth = scene.born(28 + 3 * place, 4, 11);
        let person = with_phone(2_010 + place, scene.person(name, birth, sequence, "02"));
        lines.push(scene.family(entrance, room, vec![person]));
    }
    lines.into_iter().flatten().collect()
}

/// The two neighbours of one name in a grid of the first community, numbered from 1.
pub(super) fn equal_names(scene: &Scene<'_>, grid_number: usize) -> Vec<Line> {
    let Some((name, women)) = PAIRS.get(grid_number - 1) else { return Vec::new() };
    let number = u32::try_from(grid_number).expect("one of five grids");
    let homes = match number {
        1 => [401, 402].map(|room| scene.addresses.known_flat(3, room)),
        _ => [0, 1].map(|place| scene.addresses.dwelling(place)),
    };
    let people = (0..).zip(homes).filter_map(|(door, home)| {
        let birth = scene.born(38 + 9 * door, 8, 16);
        // Odd for men, even for women, and none of those above.
        let sequence = 301 + 20 * number + 2 * door + women;
        let person = scene.person(name, birth, sequence, "02");
        let person = with_phone(3_000 + 10 * number + door, person);
        scene.household(Some(home), "family", vec![person])
    });
    people.collect()
}

/// How many dwellings of a grid the pair takes from the front of the list.
pub(super) fn dwellings_taken(grid_number: usize) -> u32 {
    if (2..=PAIRS.len()).contains(&grid_number) { 2 } else { 0 }
}

fn one_telephone_for_two(scene: &Scene<'_>) -> Option<Line> {
    let man = with_phone(2_001, scene.person("张德厚", scene.born(79, 1, 20), 5, "02"));
    let woman = with_phone(2_001, scene.person("吴素琴", scene.born(77, 6, 14), 8, "12"));
    scene.family(1, 101, vec![man, woman])
}

fn two_numbers_with_x(scene: &Scene<'_>) -> Option<Line> {
    let with_x = |person: Person, from| Person {
        id_number: person.birth.map(|birth| citizen_number_with_x(HERE, birth, from)),
        ..person
    };
    let man = with_phone(2_002, scene.person("徐正国", scene.born(58, 9, 27), 401, "02"));
    let woman = with_phone(2_003, scene.person("马翠兰", scene.born(57, 2, 5), 400, "12"));
    scene.family(1, 102, vec![with_x(man, 401), with_x(woman, 400)])
}

/// The number still stands in the register; whoever calls it hears that it does not exist.
fn telephone_out_of_use(scene: &Scene<'_>) -> Option<Line> {
    let person = scene.person("罗永贵", scene.born(61, 11, 30), 203, "02");
    scene.family(1, 201, vec![with_phone(0, person)])
}

fn without_number(scene: &Scene<'_>) -> Option<Line> {
    let person = scene.person("何招娣", scene.born(83, 1, 1), 202, "02");
    scene.family(1, 202, vec![Person { id_number: None, ..person }])
}

/// Holds a passport, whose number no purpose asks for.
fn from_abroad(scene: &Scene<'_>) -> Option<Line> {
    let person = scene.person("Elena Novak", scene.born(33, 5, 17), 204, "02");
    let person = Person {
        id_number: None,
        residence_kind: Some("from_abroad"),
        occupancy: Some("rented"),
        move_in: Some(scene.today.saturating_sub(120.days())),
        ..with_phone(2_004, person)
    };
    scene.family(1, 301, vec![person])
}
