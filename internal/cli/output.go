package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
)

// write writes a result to stdout and, with --report, to a file.
func (f *factory) write(result *report.Result) error {
	return f.writeBoth(func(w io.Writer, format report.Format, options report.Options) error {
		return report.Write(format, w, *result, options)
	})
}

// writeMatrix does the same for a matrix.
func (f *factory) writeMatrix(m reach.Matrix) error {
	return f.writeBoth(func(w io.Writer, format report.Format, options report.Options) error {
		return report.WriteMatrix(format, w, m, options)
	})
}

func (f *factory) writeBoth(write func(io.Writer, report.Format, report.Options) error) error {
	options := report.Options{Verbose: f.verbose}
	if out, ok := f.streams.Out.(*os.File); ok && term.IsTerminal(int(out.Fd())) {
		options.Color = os.Getenv("NO_COLOR") == ""
		if width, _, err := term.GetSize(int(out.Fd())); err == nil {
			options.Width = width
		}
	}
	format, err := report.ParseFormat(f.output)
	if err != nil {
		return usageError{err}
	}
	err = write(f.streams.Out, format, options)
	if f.reportFile != "" {
		err = errors.Join(err, f.writeReport(write))
	}
	return err
}

func (f *factory) writeReport(write func(io.Writer, report.Format, report.Options) error) (err error) {
	format, err := reportFormat(f.reportFile)
	if err != nil {
		return err
	}
	file, err := os.Create(f.reportFile)
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return write(file, format, report.Options{Verbose: true})
}
