// Asks for the token of a server that wants one.
import { useState } from 'preact/hooks';
import { giveToken, needsToken } from '../state/token.ts';
import { Dialog } from './dialog.tsx';

export function Login() {
  const [token, setToken] = useState('');
  return (
    <Dialog title="This server wants a token" onClose={() => (needsToken.value = false)}>
      <form
        class="login"
        onSubmit={(event) => {
          event.preventDefault();
          if (token.trim()) giveToken(token.trim());
        }}
      >
        <p>
          It is what <code>BEACON_TOKEN</code> was set to where the server runs. It stays in this tab and is forgotten
          with it.
        </p>
        <label>
          Token
          <input
            type="password"
            autocomplete="off"
            value={token}
            onInput={({ currentTarget }) => setToken(currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" disabled={!token.trim()}>
          Go on
        </button>
      </form>
    </Dialog>
  );
}
