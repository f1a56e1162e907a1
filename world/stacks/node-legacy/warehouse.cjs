const express = require('express');

const app = express();
app.get('/shelves/:id', (_request, response) => setTimeout(() => response.json({ shelf: 12 }), 2000));
app.listen(8080, 'warehouse', () => process.send('ready'));
