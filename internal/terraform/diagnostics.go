package terraform

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/stagegate/stagegate/internal/printable"
)

// LockedError is that of a state that another Terraform has locked.
type LockedError struct {
	ID, Who, Created, Operation string
	unlock                      string // what a person types to break the lock
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("the state is locked by %s since %s (lock %s, %s): wait for that run to end; if it is dead, run \"%s\", then this again",
		e.Who, e.Created, e.ID, e.Operation, e.unlock)
}

// ConditionError is that of preconditions, postconditions and variable validations that
// do not hold: the configuration's own judgement, not a failure of the tool.
type ConditionError struct{ Failures []string }

func (e *ConditionError) Error() string { return strings.Join(e.Failures, "; ") }

// message is one line of Terraform's machine-readable output, as far as it is used:
// https://developer.hashicorp.com/terraform/internals/machine-readable-ui
type message struct {
	Type       string             `json:"type"`
	Text       string             `json:"@message"`
	Diagnostic *tfjson.Diagnostic `json:"diagnostic"`
	Hook       struct {
		Resource struct {
			Addr string `json:"addr"`
		} `json:"resource"`
		Action string `json:"action"`
	} `json:"hook"`
}

// listener takes machine-readable output in, in whatever pieces it comes.
type listener struct {
	workspace *Workspace
	rest      []byte
	problems  []tfjson.Diagnostic // errors
	messages  []message           // about resources
}

func (l *listener) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		i := slices.Index(l.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		l.line(l.rest[:i])
		l.rest = l.rest[i+1:]
	}
}

func (l *listener) line(text []byte) {
	var m message
	if json.Unmarshal(text, &m) != nil {
		return // not of the machine-readable output, such as a provider's own print
	}
	switch {
	case m.Diagnostic != nil && m.Diagnostic.Severity == tfjson.DiagnosticSeverityError:
		l.problems = append(l.problems, *m.Diagnostic)
	case strings.HasPrefix(m.Type, "apply_"):
		l.messages = append(l.messages, m)
	}
	if m.Diagnostic == nil && m.Type != "version" && m.Type != "outputs" {
		l.workspace.options.Progress.send("%s", l.workspace.secrets.redact(printable.Line(m.Text)))
	}
}

// failed is the error of a command that wrote these diagnostics.
func (l *listener) failed(err error) error {
	if len(l.problems) == 0 {
		return l.workspace.explain(err)
	}
	var errs []error
	conditions := &ConditionError{}
	for _, d := range l.problems {
		text := l.workspace.describe(d)
		if isCondition(d.Summary) {
			conditions.Failures = append(conditions.Failures, text)
		} else if locked := l.workspace.lockOf(d.Summary + "\n" + d.Detail); locked != nil {
			errs = append(errs, locked)
		} else {
			errs = append(errs, errors.New(text))
		}
	}
	if len(errs) == 0 {
		return conditions
	}
	if len(conditions.Failures) > 0 {
		errs = append(errs, errors.New(conditions.Error()))
	}
	return errors.Join(errs...)
}

// describe is a diagnostic in one line: the resource, what, where, why.
func (w *Workspace) describe(d tfjson.Diagnostic) string {
	text := d.Summary
	if d.Address != "" {
		text = d.Address + ": " + text
	}
	if d.Range != nil {
		text += fmt.Sprintf(" (%s:%d)", d.Range.Filename, d.Range.Start.Line)
	}
	if d.Detail != "" {
		text += ": " + ends(d.Detail)
	}
	return w.secrets.redact(printable.Line(text))
}

// longest is how much of the detail of an error is shown, in runes: a provisioner's has
// all that its program wrote.
const longest = 1200

// ends is the beginning and the end of a long text.
func ends(text string) string {
	runes := []rune(text)
	if len(runes) <= longest {
		return text
	}
	return string(runes[:longest/3]) + " … " + string(runes[len(runes)-2*longest/3:])
}

// isCondition tells the diagnostics of custom conditions: internal/checks and
// internal/terraform/eval_conditions.go of Terraform.
func isCondition(summary string) bool {
	return slices.Contains([]string{
		"Resource precondition failed", "Resource postcondition failed",
		"Module output value precondition failed", "Check block assertion failed", "Invalid value for variable",
	}, summary)
}

var (
	lockField = regexp.MustCompile(`(?m)^\W*(ID|Who|Created|Operation):\s*(.*?)\s*$`)
	// httpLock is how the backend http names the lock that is held; the fields after it
	// are those of the lock that was asked for.
	httpLock = regexp.MustCompile(`state already locked: ID=(\S+)`)
)

// lockOf reads who has locked the state, from what Terraform says; nil where it does not
// say that someone has.
func (w *Workspace) lockOf(text string) *LockedError {
	if !strings.Contains(text, "Error acquiring the state lock") {
		return nil
	}
	e := &LockedError{Who: "someone", Created: "an unknown time", Operation: "an unknown operation"}
	if m := httpLock.FindStringSubmatch(text); m != nil {
		e.ID, e.unlock = m[1], w.Instruction("force-unlock", m[1])
		return e
	}
	for _, m := range lockField.FindAllStringSubmatch(text, -1) {
		for name, field := range map[string]*string{"ID": &e.ID, "Who": &e.Who, "Created": &e.Created, "Operation": &e.Operation} {
			if m[1] == name && m[2] != "" {
				*field = m[2]
			}
		}
	}
	if e.ID == "" {
		return nil
	}
	e.unlock = w.Instruction("force-unlock", e.ID)
	return e
}

// frame is what Terraform draws around errors for people.
var frame = regexp.MustCompile(`(?m)^[╷│╵]\s?`)

// explain makes an error of what Terraform wrote for people.
func (w *Workspace) explain(err error) error {
	text := frame.ReplaceAllString(err.Error(), "")
	if locked := w.lockOf(text); locked != nil {
		return locked
	}
	if _, after, ok := strings.Cut(text, "Error: "); ok { // warnings before it are no reason
		text = after
	}
	if strings.TrimSpace(text) == "" {
		text = "Terraform failed and did not say why"
	}
	return errors.New(w.secrets.redact(printable.Line(text)))
}
