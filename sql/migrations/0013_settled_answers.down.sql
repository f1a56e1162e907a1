drop index beacon.answers_not_settled;

alter table beacon.answers drop column validity, drop column reason, drop column cell_validity, drop column attempts,
  drop column first_validity, drop column first_group;
