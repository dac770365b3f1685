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

type judgement func(r probe.Result, control *probe.Result) finding

// noAnswer reads a result that is not an answer. Only silence where an answer was due and
// a refusal show that something is unreachable; anything else shows that it was not tried
// properly.
func noAnswer(r probe.Result, at place) finding {
	switch r.Code {
	case probe.TimedOut:
		if r.Phase == probe.Resolving {
			return finding{reach.Error, fmt.Sprintf("resolving %s timed out", at.address)}
		}
		return finding{reach.Unreachable, fmt.Sprintf("time-out: %s for %s", waitedFor(r.Phase), at)}
	case probe.Refused:
		return finding{reach.Unreachable, fmt.Sprintf("refused: %s", at)}
	case probe.NoRoute:
		return finding{reach.Unreachable, fmt.Sprintf("no route to %s: the network refused it", at)}
	case probe.Reset:
		return finding{reach.Error, fmt.Sprintf("the connection to %s was broken off: %s", at, r.Detail)}
	case probe.NameError:
		return finding{reach.Error, "name error: " + r.Detail}
	case probe.TLSError:
		return finding{reach.Error, fmt.Sprintf("TLS failure at %s: %s", at, r.Detail)}
	}
	return finding{reach.Error, "the probe could not run: " + r.Detail}
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
	return func(r probe.Result, _ *probe.Result) finding {
		if r.Code != probe.Answered {
			return noAnswer(r, at)
		}
		return finding{reach.Reachable, fmt.Sprintf("connected in %s to %s", brief(r.Latency), at)}
	}
}

// judgeUDP takes silence for unreachable only where there was an answer before: a server
// is free not to answer.
func judgeUDP(at place, answered bool) judgement {
	return func(r probe.Result, _ *probe.Result) finding {
		switch {
		case r.Code == probe.Answered:
			return finding{reach.Reachable, fmt.Sprintf("answered in %s by %s", brief(r.Latency), at)}
		case r.Code == probe.TimedOut && r.Phase == probe.Answer && answered:
			return finding{reach.Unreachable, fmt.Sprintf("time-out: no answer any more over UDP from %s", at)}
		case r.Code == probe.TimedOut:
			return finding{reach.Error, fmt.Sprintf("no answer over UDP from %s, which proves nothing: servers need not answer", at)}
		}
		return noAnswer(r, at)
	}
}

func judgeDNS(check config.DNSCheck, wanted []string) judgement {
	return func(r probe.Result, _ *probe.Result) finding {
		switch {
		case r.Code == probe.NameError:
			return finding{reach.Unreachable, fmt.Sprintf("the name %s does not resolve: %s", check.Name, r.Detail)}
		case r.Code == probe.TimedOut:
			return finding{reach.Unreachable, fmt.Sprintf("time-out: no answer when resolving %s: %s", check.Name, r.Detail)}
		case r.Code != probe.Answered:
			return noAnswer(r, place{check.Name, "name"})
		}
		for _, a := range r.Addresses {
			if len(wanted) == 0 || slices.Contains(wanted, a) {
				return finding{reach.Reachable, fmt.Sprintf("%s resolves to %s", check.Name, a)}
			}
		}
		return finding{reach.Unreachable, fmt.Sprintf("%s resolves to %s, not to %s", check.Name, strings.Join(r.Addresses, ", "), strings.Join(wanted, " or "))}
	}
}

// unsound is what is wrong before an answer can be judged: there is none, or its TLS is not
// as declared. It is nil where there is an answer to judge; got says what it was.
func unsound(check config.Check, at place, r probe.Result, got string) *finding {
	var f finding
	switch {
	case r.Code == probe.TLSError && check.TLS != nil:
		f = finding{reach.Unreachable, fmt.Sprintf("TLS failure at %s: %s", at, r.Detail)}
	case r.Code != probe.Answered:
		f = noAnswer(r, at)
	case check.TLS != nil:
		problem := certificateProblem(*check.TLS, check.Edge.Host, r, time.Now())
		if problem == "" {
			return nil
		}
		f = finding{reach.Unreachable, got + ", but " + problem}
	default:
		return nil
	}
	return &f
}

// serving is the status SERVING of the gRPC health checking protocol.
const serving = 1

func judgeGRPC(check config.Check, at place) judgement {
	return func(r probe.Result, _ *probe.Result) finding {
		got := fmt.Sprintf("gRPC health answered in %s by %s", brief(r.Latency), at)
		if f := unsound(check, at, r, got); f != nil {
			return *f
		}
		switch {
		case r.Detail != "":
			return finding{reach.Unreachable, got + ": " + r.Detail}
		case r.Status != serving:
			return finding{reach.Unreachable, fmt.Sprintf("%s: status %d, not SERVING", got, r.Status)}
		}
		return finding{reach.Reachable, got + ": SERVING"}
	}
}

// judgeHTTP holds an answer against the declared check. Without one, any status below 500
// counts, but for the controller's own answer that it knows no such route.
func judgeHTTP(check config.Check, at place) judgement {
	return func(r probe.Result, control *probe.Result) finding {
		got := fmt.Sprintf("HTTP %d in %s from %s", r.Status, brief(r.Latency), at)
		if f := unsound(check, at, r, got); f != nil {
			return *f
		}
		if check.HTTP != nil {
			return judgeDeclared(*check.HTTP, r, got)
		}
		return judgeStatus(r, control, got)
	}
}

func judgeDeclared(check config.HTTPCheck, r probe.Result, got string) finding {
	if len(check.Status) > 0 && !slices.Contains(check.Status, r.Status) {
		return finding{reach.Unreachable, fmt.Sprintf("%s, not %s", got, strings.Trim(fmt.Sprint(check.Status), "[]"))}
	}
	if len(check.Status) == 0 && r.Status >= 500 {
		return finding{reach.Unreachable, got}
	}
	for name, want := range check.Header {
		if has := noted(r.Header, name); has != want {
			return finding{reach.Unreachable, fmt.Sprintf("%s, but header %s is %q, not %q", got, name, has, want)}
		}
	}
	if check.BodyContains != "" && !r.Found {
		return finding{reach.Unreachable, fmt.Sprintf("%s, but the body does not contain %q", got, check.BodyContains)}
	}
	return finding{reach.Reachable, got}
}

func noted(header map[string]string, name string) string {
	for has, value := range header {
		if strings.EqualFold(has, name) {
			return value
		}
	}
	return ""
}

func judgeStatus(r probe.Result, control *probe.Result, got string) finding {
	switch {
	case r.Status >= 500:
		return finding{reach.Unreachable, got + ": the ingress controller did not get an answer, or the application failed"}
	case r.Status != 404:
		return finding{reach.Reachable, got}
	case control == nil || control.Code != probe.Answered:
		return finding{reach.Error, got + ", which the application or the ingress controller may have sent: declare a check with the status that is expected"}
	case control.Status == 404 && control.Body == r.Body && control.Header["Server"] == r.Header["Server"]:
		return finding{reach.Unreachable, got + ", which is the ingress controller's answer for what it does not know"}
	}
	return finding{reach.Reachable, got + ", by the application"}
}

func brief(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
