// A real OpenID provider for the tests: the certified oidc-provider with its own interaction pages.
// Arguments: port, client id, client secret, redirect URI, post-logout URI.
import { Provider } from "oidc-provider";

const [port, clientId, clientSecret, redirectUri, afterLogout] = process.argv.slice(2);
// The test that starts it holds the same key, so that it can sign what no provider would.
const jwks = { keys: [JSON.parse(process.env.PROVIDER_KEY)] };
const issuer = `http://127.0.0.1:${port}`;
const client = (id) => ({
  client_id: id,
  client_secret: clientSecret,
  redirect_uris: [redirectUri],
  post_logout_redirect_uris: [afterLogout],
  response_types: ["code"],
  grant_types: ["authorization_code"],
});

const provider = new Provider(issuer, {
  clients: [client(clientId), client("another-client")],
  // Claims of the profile scope stand in the ID token, as most providers put them there.
  conformIdTokenClaims: false,
  claims: { openid: ["sub"], profile: ["preferred_username"] },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  jwks,
  pkce: { required: () => true },
  cookies: { keys: ["only-for-tests"] },
  // Whatever is typed becomes the subject; "7-handler" is the subject of somebody who calls themselves handler.
  findAccount: (context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id.replace(/^\d+-/, "") }),
  }),
});

provider.listen(Number(port), "127.0.0.1", () => console.log(`ready ${issuer}`));
