// A cart is read and written by five mappers; each is loaded only where the failure's name asks for it.
import { serve } from 'world-node/serve.mjs';
import * as faults from './faults.mjs';

const mapper = process.env.FAILURE.split('-')[0];
const { handlers, close } = await import(`./${mapper}.mjs`).then(({ open }) => open(faults));
serve('cart-api', 8080, '/carts', handlers, close);
