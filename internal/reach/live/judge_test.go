package live

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

var inPod = vantage{like: &topology.Pod{}}

var there = place{address: "10.0.0.1:80", what: "the cluster address"}

func TestJudgeConnections(t *testing.T) {
	tests := []struct {
		name   string
		judge  judgement
		result probe.Result
		want   reach.Outcome
		reason string
	}{
		{"connected", judgeTCP(there), probe.Result{Code: probe.Answered}, reach.Reachable, "connected"},
		{"silence", judgeTCP(there), probe.Result{Code: probe.TimedOut, Phase: probe.Connecting}, reach.Unreachable, "time-out"},
		{"refused", judgeTCP(there), probe.Result{Code: probe.Refused}, reach.Unreachable, "refused"},
		{"no route", judgeTCP(there), probe.Result{Code: probe.NoRoute}, reach.Unreachable, "no route"},
		{"resolver silent", judgeTCP(there), probe.Result{Code: probe.TimedOut, Phase: probe.Resolving}, reach.Error, "resolving"},
		{"no such name", judgeTCP(there), probe.Result{Code: probe.NameError}, reach.Error, "name error"},
		{"broken off", judgeTCP(there), probe.Result{Code: probe.Reset}, reach.Error, "broken off"},
		{"could not run", judgeTCP(there), probe.Result{Code: probe.Failed, Detail: "too many open files"}, reach.Error, "too many open files"},
		{"unheard of", judgeTCP(there), probe.Result{}, reach.Error, "could not run"},
		{"UDP answer", judgeUDP(there, false), probe.Result{Code: probe.Answered}, reach.Reachable, "answered"},
		{"UDP silence", judgeUDP(there, false), probe.Result{Code: probe.TimedOut, Phase: probe.Answer}, reach.Error, "proves nothing"},
		{"UDP silence after answers", judgeUDP(there, true), probe.Result{Code: probe.TimedOut, Phase: probe.Answer}, reach.Unreachable, "time-out"},
		{"UDP refused", judgeUDP(there, false), probe.Result{Code: probe.Refused}, reach.Unreachable, "refused"},
		{"DNS", judgeDNS(config.DNSCheck{Name: "a"}, nil, inPod), probe.Result{Code: probe.Answered, Addresses: []string{"1.1.1.1"}}, reach.Reachable, "1.1.1.1"},
		{"DNS elsewhere", judgeDNS(config.DNSCheck{Name: "a"}, []string{"2.2.2.2"}, inPod), probe.Result{Code: probe.Answered, Addresses: []string{"1.1.1.1"}}, reach.Unreachable, "not to 2.2.2.2"},
		{"DNS absent", judgeDNS(config.DNSCheck{Name: "a"}, nil, inPod), probe.Result{Code: probe.NameError}, reach.Unreachable, "does not resolve"},
		{"DNS could not run", judgeDNS(config.DNSCheck{Name: "a"}, nil, inPod), probe.Result{Code: probe.Failed}, reach.Error, "could not run"},
		{"DNS silence", judgeDNS(config.DNSCheck{Name: "a"}, nil, inPod), probe.Result{Code: probe.TimedOut, Phase: probe.Resolving}, reach.Unreachable, "no answer"},
		{"DNS silence outside", judgeDNS(config.DNSCheck{Name: "a"}, nil, vantage{}), probe.Result{Code: probe.TimedOut, Phase: probe.Resolving}, reach.Error, "no answer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { checkFinding(t, test.judge(test.result, beside{}), test.want, test.reason) })
	}
}

func TestJudgeGRPC(t *testing.T) {
	plain, secure := config.Check{GRPC: &config.GRPCCheck{}}, config.Check{GRPC: &config.GRPCCheck{}, TLS: &config.TLSCheck{}}
	tests := []struct {
		name   string
		check  config.Check
		result probe.Result
		want   reach.Outcome
		reason string
	}{
		{"serving", plain, probe.Result{Code: probe.Answered, Status: 1}, reach.Reachable, "SERVING"},
		{"not serving", plain, probe.Result{Code: probe.Answered, Status: 2}, reach.Unreachable, "not SERVING"},
		{"no health service", plain, probe.Result{Code: probe.Answered, Detail: "the server has no health service"}, reach.Unreachable, "no health service"},
		{"silence", plain, probe.Result{Code: probe.TimedOut, Phase: probe.Connecting}, reach.Unreachable, "time-out"},
		{"no gRPC", plain, probe.Result{Code: probe.Failed, Detail: "the answer is not gRPC"}, reach.Error, "not gRPC"},
		{"no TLS where it is declared", secure, probe.Result{Code: probe.TLSError}, reach.Unreachable, "TLS failure"},
		{"no certificate where it is declared", secure, probe.Result{Code: probe.Answered, Status: 1}, reach.Unreachable, "there was no TLS"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checkFinding(t, judgeGRPC(test.check, there)(test.result, beside{}), test.want, test.reason)
		})
	}
}

func checkFinding(t *testing.T, got finding, want reach.Outcome, reason string) {
	t.Helper()
	if got.outcome != want || !strings.Contains(got.reason, reason) {
		t.Errorf("got %s: %s\nwant %s: %s", got.outcome, got.reason, want, reason)
	}
}

func TestJudgeHTTP(t *testing.T) {
	answer := func(status int, body string) probe.Result {
		return probe.Result{Code: probe.Answered, Status: status, Body: body, Header: map[string]string{"X-App": "shop"}}
	}
	mine, other := answer(404, "of the controller"), answer(404, "of the controller, at another time")
	unknown := beside{controls: [2]*probe.Result{&mine, &mine}}
	unsteady := beside{controls: [2]*probe.Result{&mine, &other}}
	failed := beside{controls: [2]*probe.Result{{Code: probe.TimedOut}, {Code: probe.TimedOut}}}
	asked := func(r probe.Result) beside { return beside{controls: unknown.controls, direct: &r} }
	none := beside{}
	declared := func(h config.HTTPCheck) config.Check { return config.Check{HTTP: &h} }
	tests := []struct {
		name   string
		check  config.Check
		result probe.Result
		beside beside
		want   reach.Outcome
		reason string
	}{
		{"200", config.Check{}, answer(200, ""), unknown, reach.Reachable, "HTTP 200"},
		{"login", config.Check{}, answer(401, ""), unknown, reach.Reachable, "HTTP 401"},
		{"503", config.Check{}, answer(503, ""), unknown, reach.Unreachable, "HTTP 503"},
		{"404 of the controller", config.Check{}, answer(404, "of the controller"), unknown, reach.Unreachable, "does not know"},
		{"404 of the application", config.Check{}, answer(404, "of the application"), unknown, reach.Reachable, "by the application"},
		{"404 of either", config.Check{}, answer(404, ""), none, reach.Error, "declare a check"},
		{"404 and no control", config.Check{}, answer(404, ""), failed, reach.Error, "declare a check"},
		{"404 of a controller that is never the same", config.Check{}, answer(404, "of the controller"), unsteady, reach.Error, "differently each time"},
		{"404 of both", config.Check{}, answer(404, "of the controller"), asked(mine), reach.Reachable, "as the application answers when it is asked itself"},
		{"404 of the controller alone", config.Check{}, answer(404, "of the controller"), asked(answer(200, "")), reach.Unreachable, "does not know"},
		{"404, and the application refuses", config.Check{}, answer(404, "of the controller"), asked(probe.Result{Code: probe.Refused}), reach.Unreachable, "does not know"},
		{"404 and no answer of the application", config.Check{}, answer(404, "of the controller"), asked(probe.Result{Code: probe.Reset}), reach.Error, "could not be asked"},
		{"silence", config.Check{}, probe.Result{Code: probe.TimedOut, Phase: probe.Answer}, unknown, reach.Unreachable, "connected, but no answer"},
		{"TLS failure", config.Check{}, probe.Result{Code: probe.TLSError}, none, reach.Error, "TLS failure"},
		{"TLS failure where TLS is declared", config.Check{TLS: &config.TLSCheck{}}, probe.Result{Code: probe.TLSError}, none, reach.Unreachable, "TLS failure"},
		{"no TLS where it is declared", config.Check{TLS: &config.TLSCheck{}}, answer(200, ""), none, reach.Unreachable, "there was no TLS"},
		{"declared status", declared(config.HTTPCheck{Status: []int{404}}), answer(404, ""), none, reach.Reachable, "HTTP 404"},
		{"another status", declared(config.HTTPCheck{Status: []int{200, 204}}), answer(302, ""), none, reach.Unreachable, "not 200 204"},
		{"no status declared", declared(config.HTTPCheck{}), answer(500, ""), none, reach.Unreachable, "HTTP 500"},
		{"404 of the controller, no status declared", declared(config.HTTPCheck{}), answer(404, "of the controller"), unknown, reach.Unreachable, "does not know"},
		{"404 of the application, body declared", declared(config.HTTPCheck{BodyContains: "welcome"}), answer(404, "of the application"), unknown, reach.Unreachable, "does not contain"},
		{"header", declared(config.HTTPCheck{Header: map[string]string{"x-app": "shop"}}), answer(200, ""), none, reach.Reachable, "HTTP 200"},
		{"another header", declared(config.HTTPCheck{Header: map[string]string{"x-app": "bank"}}), answer(200, ""), none, reach.Unreachable, `"shop", not "bank"`},
		{"body", declared(config.HTTPCheck{BodyContains: "welcome"}), answer(200, ""), none, reach.Unreachable, "does not contain"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checkFinding(t, judgeHTTP(test.check, there, true)(test.result, test.beside), test.want, test.reason)
		})
	}
}

// That a backend does not answer a probe that does not work says nothing of the backend.
func TestDirectAnswersOfABrokenProbe(t *testing.T) {
	mine := probe.Result{Code: probe.Answered, Status: 404}
	controls := [2]*probe.Result{&mine, &mine}
	silence := &probe.Result{Code: probe.TimedOut, Phase: probe.Connecting}
	judge := judgeHTTP(config.Check{}, there, true)
	checkFinding(t, judge(mine, beside{controls: controls, direct: undoubted(silence, "")}), reach.Unreachable, "does not know")
	checkFinding(t, judge(mine, beside{controls: controls, direct: undoubted(silence, "its node is gone")}), reach.Error, "its node is gone")
	checkFinding(t, judge(mine, beside{controls: controls, direct: undoubted(&mine, "its node is gone")}), reach.Reachable, "asked itself")
}

// Of what no controller stands before, any answer is the application's own.
func TestJudgeHTTPOfAService(t *testing.T) {
	judge := judgeHTTP(config.Check{HTTP: &config.HTTPCheck{}}, there, false)
	checkFinding(t, judge(probe.Result{Code: probe.Answered, Status: 404}, beside{}), reach.Reachable, "HTTP 404")
	checkFinding(t, judge(probe.Result{Code: probe.Answered, Status: 503}, beside{}), reach.Unreachable, "HTTP 503")
}

// What a probe says counts as a denial only where the probe is known to work.
func TestRead(t *testing.T) {
	a := attempt{edge: 0, goal: goal{target: probe.Target{ID: 3}, judge: judgeTCP(there)}, control: -1}
	silence := map[int]probe.Result{3: {Code: probe.TimedOut, Phase: probe.Connecting}}
	connected := map[int]probe.Result{3: {Code: probe.Answered}}
	checkFinding(t, a.read(answers{results: silence}, nil, vantage{}, ""), reach.Unreachable, "time-out")
	checkFinding(t, a.read(answers{results: silence}, nil, vantage{}, "its node is gone"), reach.Error, "its node is gone")
	checkFinding(t, a.read(answers{results: connected}, nil, vantage{}, "its node is gone"), reach.Reachable, "connected")
	checkFinding(t, a.read(answers{}, nil, vantage{}, ""), reach.Error, "no result")
	checkFinding(t, a.read(answers{err: errTest}, nil, vantage{}, ""), reach.Error, errTest.Error())
}

// A probe pod that was just made is not believed what it cannot reach; after a revert, not
// what it reaches either.
func TestHasty(t *testing.T) {
	a := attempt{goal: goal{judge: judgeTCP(there)}}
	silence, connected := probe.Result{Code: probe.TimedOut, Phase: probe.Connecting}, probe.Result{Code: probe.Answered}
	p := &Prober{}
	if !p.hasty(a, silence) || p.hasty(a, connected) {
		t.Error("silence and answers are not told apart")
	}
	if err := p.Fresh(t.Context()); err != nil || !p.hasty(a, connected) {
		t.Errorf("an answer right after a revert is believed (%v)", err)
	}
}

type testError string

func (e testError) Error() string { return string(e) }

const errTest = testError("the image cannot be pulled")

func TestTwoRoundsMustAgree(t *testing.T) {
	up, down := finding{outcome: reach.Reachable, reason: "connected"}, finding{outcome: reach.Unreachable, reason: "time-out"}
	tests := []struct {
		name    string
		history []finding
		settled bool
		want    reach.Outcome
		reason  string
	}{
		{"agree", []finding{up, up}, true, reach.Reachable, "connected"},
		{"a policy took effect", []finding{up, down, down}, true, reach.Unreachable, "time-out"},
		{"flaky", []finding{up, down, up, down, up}, false, reach.Error, "flaky: unreachable (time-out), then reachable (connected)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if open := unsettled([][]finding{test.history}, 2); (len(open) == 0) != test.settled {
				t.Errorf("open: %v", open)
			}
			checkFinding(t, verdictOf(test.history, 2), test.want, test.reason)
		})
	}
	if open := unsettled([][]finding{{up}}, 2); len(open) != 1 {
		t.Error("one round settled an edge")
	}
	if open := unsettled([][]finding{{up}, {down, up}}, 1); len(open) != 0 {
		t.Errorf("open though one round is enough: %v", open)
	}
}
