export { type Drawn, type DrawOptions, draw } from './picture.ts';
export {
  startSharedServer,
  type TestDatabase,
  type ThrowawayServer,
  testDatabase,
  throwawayServer,
  withDatabase,
} from './postgres.ts';
