INSERT INTO customers (id, name, email) VALUES (1, 'Ada Lovelace', 'ada@example.org'), (2, 'Alan Turing', 'alan@example.org'), (3, 'Grace Hopper', 'grace@example.org');
INSERT INTO orders (id, customer_id, total, note) VALUES (1, 1, 10, 'first'), (2, 1, 0, NULL), (3, 2, 25, 'gift'), (4, 3, 3, 'later');
INSERT INTO order_lines (id, order_id, product, quantity) VALUES (1, 1, 'engine', 1), (2, 1, 'card', 40), (3, 3, 'tape', 7), (4, 4, 'bug', 1);
INSERT INTO counters (name, n) VALUES ('visits', 41), ('orders', 4);
INSERT INTO drafts (id, text) VALUES (1, 'Dear'), (2, 'Sir');
