// mesh-api: a NestJS controller that reaches out with many libraries, one failure a request.
import 'reflect-metadata';
import { Body, Controller, Headers, HttpException, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ready } from 'world-node/processes.mjs';
import { calls } from './calls.mjs';

class Mesh {
  async create(failure) {
    const call = calls[failure];
    if (!call) throw new HttpException(`No failure ${failure}`, 404);
    return { answer: await call() };
  }
}
Post('mesh')(Mesh.prototype, 'create', Object.getOwnPropertyDescriptor(Mesh.prototype, 'create'));
Headers('x-failure')(Mesh.prototype, 'create', 0);
Body()(Mesh.prototype, 'create', 1);
Controller()(Mesh);
class App {}
Module({ controllers: [Mesh] })(App);

const app = await NestFactory.create(App, { logger: ['error'] });
await app.listen(8080, 'mesh-api');
ready(() => app.close());
