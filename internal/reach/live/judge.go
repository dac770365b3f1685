package live

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
)

type judgement func(r probe.Result, b beside) finding

// noAnswer reads a result that is not an answer. Only silence where an answer was due and
// a refusal show that something is unreachable; anything else shows that it was not tried
// properly.
func noAnswer(r probe.Result, at place) finding {
	switch r.Code {
	case probe.TimedOut:
		if r.Phase == probe.Resolving {
			return finding{outcome: reach.Error, reason: fmt.Sprintf("resolving %s timed out", at.address)}
		}
		return finding{outcome: reach.Unreachable, reason: fmt.Sprintf("time-out: %s for %s", waitedFor(r.Phase), at)}
	case probe.Refused:
		return finding{outcome: reach.Unreachable, reason: fmt.Sprintf("refused: %s", at)}
	case probe.NoRoute:
		return finding{outcome: reach.Unreachable, reason: fmt.Sprintf("no route to %s: the network refused it", at)}
	case probe.Reset:
		return finding{outcome: reach.Error, reason: fmt.Sprintf("the connection to %s was broken off: %s", at, r.Detail)}
	case probe.NameError:
		return finding{outcome: reach.Error, reason: "name error: " + r.Detail}
	case probe.TLSError:
		return finding{outcome: reach.Error, reason: fmt.Sprintf("TLS failure at %s: %s", at, r.Detail)}
	}
	return finding{outcome: reach.Error, reason: "the probe could not run: " + r.Detail}
}

func waitedFor(phase string) string {
	switch phase {
	case probe.Handshake:
		return "connected, but no TLS handshake"
	case probe.Answer:
		return "connected, but no answer"
	}
	return "no connection"
}

func judgeTCP(at place) judgement {
	return func(r probe.Result, _ beside) finding {
		if r.Code != probe.Answered {
			return noAnswer(r, at)
		}
		return finding{outcome: reach.Reachable, reason: fmt.Sprintf("connected in %s to %s", brief(r.Latency), at)}
	}
}

// silentUDP is why silence over UDP is no outcome.
const silentUDP = "nothing answers over UDP, as servers need not"

// judgeUDP takes silence for unreachable only where there was an answer before: a server
// is free not to answer, unless it is one for DNS.
func judgeUDP(at place, answered bool) judgement {
	return func(r probe.Result, _ beside) finding {
		switch {
		case r.Code == probe.Answered:
			return finding{outcome: reach.Reachable, reason: fmt.Sprintf("answered in %s by %s", brief(r.Latency), at)}
		case r.Code == probe.TimedOut && r.Phase == probe.Answer && answered:
			return finding{outcome: reach.Unreachable, reason: fmt.Sprintf("time-out: no answer any more over UDP from %s", at)}
		case r.Code == probe.TimedOut:
			f := finding{outcome: reach.Error, reason: fmt.Sprintf("no answer over UDP from %s, which proves nothing: servers need not answer", at), moot: silentUDP}
			if strings.HasSuffix(at.address, ":53") {
				f.moot = ""
			}
			return f
		}
		return noAnswer(r, at)
	}
}

// unsound is what is wrong before an answer can be judged: there is none, or its TLS is not
// as declared. It is nil where there is an answer to judge; got says what it was.
func unsound(check config.Check, at place, r probe.Result, got string) *finding {
	var f finding
	switch {
	case r.Code == probe.TLSError && check.TLS != nil:
		f = finding{outcome: reach.Unreachable, reason: fmt.Sprintf("TLS failure at %s: %s", at, r.Detail)}
	case r.Code != probe.Answered:
		f = noAnswer(r, at)
	case check.TLS != nil:
		problem := certificateProblem(*check.TLS, check.Edge.Host, r, time.Now())
		if problem == "" {
			return nil
		}
		f = finding{outcome: reach.Unreachable, reason: got + ", but " + problem}
	default:
		return nil
	}
	return &f
}

// serving is the status SERVING of the gRPC health checking protocol.
const serving = 1

func judgeGRPC(check config.Check, at place) judgement {
	return func(r probe.Result, _ beside) finding {
		got := fmt.Sprintf("gRPC health answered in %s by %s", brief(r.Latency), at)
		if f := unsound(check, at, r, got); f != nil {
			return *f
		}
		switch {
		case r.Detail != "":
			return finding{outcome: reach.Unreachable, reason: got + ": " + r.Detail}
		case r.Status != serving:
			return finding{outcome: reach.Unreachable, reason: fmt.Sprintf("%s: status %d, not SERVING", got, r.Status)}
		}
		return finding{outcome: reach.Reachable, reason: got + ": SERVING"}
	}
}

// judgeHTTP holds an answer against the declared check. Without one, any status below 500
// counts, but for the controller's own answer that it knows no such route. routed tells
// that a controller is on the way.
func judgeHTTP(check config.Check, at place, routed bool) judgement {
	return func(r probe.Result, b beside) finding {
		got := fmt.Sprintf("HTTP %d in %s from %s", r.Status, brief(r.Latency), at)
		if f := unsound(check, at, r, got); f != nil {
			return *f
		}
		declared := config.HTTPCheck{}
		if check.HTTP != nil {
			declared = *check.HTTP
		}
		f := judgeStatus(declared.Status, r, got)
		if routed && len(declared.Status) == 0 && r.Status == 404 {
			f = judgeNotFound(r, b, got)
		}
		if f.outcome != reach.Reachable {
			return f
		}
		if problem := contentProblem(declared, r); problem != "" {
			return finding{outcome: reach.Unreachable, reason: got + ", but " + problem}
		}
		return f
	}
}

func judgeStatus(wanted []int, r probe.Result, got string) finding {
	switch {
	case len(wanted) > 0 && !slices.Contains(wanted, r.Status):
		return finding{outcome: reach.Unreachable, reason: fmt.Sprintf("%s, not %s", got, strings.Trim(fmt.Sprint(wanted), "[]"))}
	case len(wanted) == 0 && r.Status >= 500:
		return finding{outcome: reach.Unreachable, reason: got + ": what is on the way did not get an answer, or the application failed"}
	}
	return finding{outcome: reach.Reachable, reason: got}
}

// judgeNotFound tells a 404 of the application from the ingress controller's answer to what
// it does not know.
func judgeNotFound(r probe.Result, b beside, got string) finding {
	const remedy = ": declare a check with the status that is expected"
	first, second := b.controls[0], b.controls[1]
	controllers := finding{outcome: reach.Unreachable, reason: got + ", which is the ingress controller's answer for what it does not know"}
	switch {
	case first == nil || first.Code != probe.Answered:
		return finding{outcome: reach.Error, reason: got + ", which the application or the ingress controller may have sent" + remedy}
	case second != nil && !alike(*first, *second):
		return finding{outcome: reach.Error, reason: got + ", and the ingress controller answers differently each time, so it cannot be told apart" + remedy}
	case !alike(r, *first):
		return finding{outcome: reach.Reachable, reason: got + ", by the application"}
	case b.direct == nil, noAnswer(*b.direct, place{}).outcome == reach.Unreachable: // who does not answer did not send this
		return controllers
	case b.direct.Code != probe.Answered:
		return finding{outcome: reach.Error, reason: got + ", as the ingress controller answers what it does not know, and the application could not be asked (" + b.direct.Detail + ")" + remedy}
	case alike(r, *b.direct):
		return finding{
			outcome: reach.Reachable, reason: got + ", as the application answers when it is asked itself",
			caveat: "the ingress controller gives the same answer for what it does not know, so it would not show if it stopped serving this: declare a check with a path that exists",
		}
	}
	return controllers
}

// alike tells whether two answers could come from the same hand.
func alike(a, b probe.Result) bool {
	return a.Status == b.Status && a.Body == b.Body && a.Header["Server"] == b.Header["Server"]
}

func contentProblem(check config.HTTPCheck, r probe.Result) string {
	for name, want := range check.Header {
		if has := noted(r.Header, name); has != want {
			return fmt.Sprintf("header %s is %q, not %q", name, has, want)
		}
	}
	if check.BodyContains != "" && !r.Found {
		return fmt.Sprintf("the body does not contain %q", check.BodyContains)
	}
	return ""
}

func noted(header map[string]string, name string) string {
	for has, value := range header {
		if strings.EqualFold(has, name) {
			return value
		}
	}
	return ""
}

func brief(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
