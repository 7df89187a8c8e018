/** Asks a URL from a host, by curl or python3: the text behind http/check of names.ts. Redirects are not followed. */
import { namedScript } from './prelude.ts';

export const checkHttp = namedScript(
  'http/check',
  `url=$1 seconds=$2 body_max=$3 method=$4
work=$(mktemp -d) || fail WRITE_FAILED "cannot make a temporary folder"
trap 'rm -rf "$work"' EXIT
cat >"$work/headers"
if command -v curl >/dev/null; then
  head= body=$work/body
  [ "$method" = HEAD ] && head=--head body=/dev/null
  # As a file of options: curl before 7.55 takes no file of headers.
  sed -e '/^$/d' -e 's/[\\\\"]/\\\\&/g' -e 's/^/header = "/' -e 's/$/"/' "$work/headers" >"$work/options"
  status=$(curl -q -sS $head -g --proto '=http,https' --max-time "$seconds" -K "$work/options" -o "$body" -w '%{http_code}' --url "$url" 2>"$work/error")
  # 18: the body was cut short after the status had come.
  case $? in
    0 | 18) say status "$status" ;;
    *) say unreachable "$(tr '\\n' ' ' <"$work/error" | cut -c 1-400)"; exit 0 ;;
  esac
elif command -v python3 >/dev/null; then
  python3 - "$url" "$seconds" "$body_max" "$method" "$work" >"$work/status" 2>"$work/error" <<'PYTHON'
import sys, urllib.error, urllib.request
url, seconds, body_max, method, work = sys.argv[1:]
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None
headers = dict(line.rstrip("\\n").split(": ", 1) for line in open(work + "/headers") if ": " in line)
try:
    opener = urllib.request.build_opener(Stay)
    reply = opener.open(urllib.request.Request(url, headers=headers, method=method), timeout=float(seconds))
except urllib.error.HTTPError as refusal:
    reply = refusal
except Exception as trouble:
    sys.exit(str(trouble))
open(work + "/body", "wb").write(reply.read(int(body_max)))
print(reply.status)
PYTHON
  if [ $? = 0 ]; then say status "$(cat "$work/status")"
  else say unreachable "$(tail -n 1 "$work/error" | cut -c 1-400)"; exit 0; fi
else
  fail NO_HTTP_CLIENT "neither curl nor python3 is installed"
fi
: >>"$work/body"
say body "$(head -c "$body_max" "$work/body" | base64 | tr -d '\\n')"
`,
);
