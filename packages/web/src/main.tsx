import '@preact/signals';
import './main.css';
import { render } from 'preact';
import { Shell } from './shell.tsx';
import { followLinks } from './state/url.ts';

const root = document.getElementById('app') as HTMLElement;
followLinks(document.body);
render(<Shell />, root);
