-- Everything the way up made, in reverse.
drop table beacon.answer_rules;

drop table beacon.answers;
