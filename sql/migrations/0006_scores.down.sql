drop table beacon.judgements;

drop table beacon.expected_answers;

drop table beacon.scores;
