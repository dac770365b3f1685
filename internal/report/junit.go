package report

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/printable"
)

// The JUnit XML that CI systems read: https://github.com/testmoapp/junitxml.
type (
	junitReport struct {
		XMLName xml.Name `xml:"testsuites"`
		Name    string   `xml:"name,attr"`
		junitCounts
		Suites []junitSuite `xml:"testsuite"`
	}
	junitCounts struct {
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Time     string `xml:"time,attr,omitempty"` // seconds
	}
	junitSuite struct {
		Name string `xml:"name,attr"`
		junitCounts
		Cases []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr,omitempty"` // seconds
		Failure *junitProblem `xml:"failure"`
		Error   *junitProblem `xml:"error"`
		Skipped *junitProblem `xml:"skipped"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
	}
)

// JUnit writes each expectation of each environment as a test case, each step as one, and
// the verdict as the last, so that no run that did not pass looks green.
func JUnit(w io.Writer, r Result) error {
	var suites []junitSuite
	for _, e := range r.Environments {
		suites = append(suites, environmentSuites(e)...)
	}
	verdict := newSuite("verdict", []junitCase{verdictCase(r)})
	return writeJUnit(w, fmt.Sprintf("%.3f", r.Duration.Seconds()), append(suites, verdict))
}

func verdictCase(r Result) junitCase {
	h := headlineOf(r)
	c := junitCase{Class: "stagegate", Name: "verdict"}
	say := fmt.Sprintf("%s: %s (exit %d)", h.title, h.say, r.ExitCode)
	if r.Error != "" {
		say += ": " + r.Error
	}
	switch {
	case r.Verdict == gate.Pass && h.tone == good:
		return c
	case r.Verdict == gate.Blocked:
		return c.fail(h.title, say)
	}
	return c.error(h.title, say)
}

func writeJUnit(w io.Writer, seconds string, suites []junitSuite) error {
	report := junitReport{Name: "stagegate", Suites: suites}
	for _, s := range suites {
		report.Tests += s.Tests
		report.Failures += s.Failures
		report.Errors += s.Errors
		report.Skipped += s.Skipped
	}
	report.Time = seconds
	content, err := xml.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding JUnit XML: %w", err)
	}
	_, err = io.WriteString(w, xml.Header+string(content)+"\n")
	return err
}

func newSuite(name string, cases []junitCase) junitSuite {
	s := junitSuite{Name: printable.Line(name), Cases: cases}
	s.Tests = len(cases)
	for i := range cases {
		c := &cases[i]
		c.Class, c.Name = printable.Line(c.Class), printable.Line(c.Name)
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	return s
}

func (c junitCase) fail(kind, message string) junitCase {
	c.Failure = &junitProblem{printable.Line(message), printable.Line(kind)}
	return c
}

func (c junitCase) error(kind, message string) junitCase {
	c.Error = &junitProblem{printable.Line(message), printable.Line(kind)}
	return c
}

func (c junitCase) skip(message string) junitCase {
	c.Skipped = &junitProblem{Message: printable.Line(message)}
	return c
}
