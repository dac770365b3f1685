package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// written makes a journal of four entries and returns its path and content.
func written(t testing.TB) (string, []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.jsonl")
	j, err := Create(path, "r1")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		j.Write(Begin, "apply", "Deployment.apps shop/web", map[string]int{"n": 1}),
		j.Write(Done, "apply", "Deployment.apps shop/web", nil), j.Write(Begin, "apply", "Service shop/web", nil), j.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, content
}

func names(entries []Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSpace(string(e.Kind)+" "+e.Step+" "+e.Subject))
	}
	return out
}

func TestOpenGoesOn(t *testing.T) {
	path, _ := written(t)
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if j.runID != "r1" {
		t.Errorf("run = %s", j.runID)
	}
	if got := names(j.Entries()); len(got) != 4 {
		t.Errorf("entries = %q", got)
	}
	before := j.Head()
	if err := errors.Join(j.Write(Done, "apply", "Service shop/web", nil), j.Close()); err != nil {
		t.Fatal(err)
	}
	if j.Head() == before {
		t.Error("the head did not move")
	}
	run, entries, err := Read(path)
	if err != nil || run != "r1" {
		t.Fatalf("run = %s, %v", run, err)
	}
	want := []string{"opened", "begin apply Deployment.apps shop/web", "done apply Deployment.apps shop/web", "begin apply Service shop/web", "done apply Service shop/web"}
	if diff := cmp.Diff(want, names(entries)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if entries[4].Sequence != 5 || string(entries[1].Data) != `{"n":1}` {
		t.Errorf("entries = %+v", entries)
	}
}

// Killed at any byte of a write, a journal opens with its whole lines and goes on.
func TestTornEnd(t *testing.T) {
	_, content := written(t)
	first := bytes.IndexByte(content, '\n')
	path := filepath.Join(t.TempDir(), "torn.jsonl")
	for n := first + 1; n <= len(content); n++ {
		if err := os.WriteFile(path, content[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		whole := bytes.Count(content[:n], []byte("\n"))
		if n < len(content) && content[n] == '\n' {
			whole++ // all but the line feed is there
		}
		j, err := Open(path)
		if err != nil {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
		if got := len(j.Entries()); got != whole {
			t.Fatalf("cut after %d bytes: %d entries, want %d", n, got, whole)
		}
		if err := errors.Join(j.Write(Note, "resumed", "", nil), j.Close()); err != nil {
			t.Fatal(err)
		}
		if _, entries, err := Read(path); err != nil || len(entries) != whole+1 {
			t.Fatalf("cut after %d bytes and gone on: %d entries, %v", n, len(entries), err)
		}
	}
}

func TestTornBeginning(t *testing.T) {
	_, content := written(t)
	for n := range bytes.IndexByte(content, '\n') {
		if _, err := parse(content[:n]); !errors.Is(err, ErrEmpty) {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
	}
}

func TestEveryBitCounts(t *testing.T) {
	path, content := written(t)
	for i := range content {
		for bit := range 8 {
			bad := bytes.Clone(content)
			bad[i] ^= 1 << bit
			if c, err := parse(bad); err == nil {
				t.Fatalf("bit %d of byte %d (%q) flipped, and %d entries were accepted", bit, i, content[i], len(c.entries))
			}
		}
	}
	content[bytes.IndexByte(content, '\n')+len(`{"sum":"x`)] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	if err == nil || err.Error() != "opening journal "+path+": line 2 cannot be trusted: its checksum does not match" {
		t.Errorf("error = %v", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(after, content) {
		t.Errorf("the refused journal was changed (%v)", err)
	}
}

// chain writes entries as a journal with good checksums.
func chain(t *testing.T, entries ...Entry) []byte {
	t.Helper()
	var out []byte
	previous := ""
	for _, e := range entries {
		content, sum, err := encode(previous, e)
		if err != nil {
			t.Fatal(err)
		}
		out, previous = append(out, content...), sum
	}
	return out
}

func TestRefusedJournals(t *testing.T) {
	opened := Entry{Sequence: 1, Kind: Opened, Data: json.RawMessage(`{"version":1,"runID":"r"}`)}
	tests := map[string]struct {
		content []byte
		want    string
	}{
		"newer version":  {chain(t, Entry{Sequence: 1, Kind: Opened, Data: json.RawMessage(`{"version":2}`)}), "line 1 cannot be trusted: the journal is of version 2, and this stagegate reads 1: use the newer stagegate that wrote it"},
		"no beginning":   {chain(t, Entry{Sequence: 1, Kind: Begin}), "line 1 cannot be trusted: it is not the beginning of a journal"},
		"gap":            {chain(t, opened, Entry{Sequence: 3, Kind: Begin}), "line 2 cannot be trusted: it does not follow on the line before"},
		"two beginnings": {chain(t, opened, Entry{Sequence: 2, Kind: Opened}), "line 2 cannot be trusted: it does not follow on the line before"},
		"empty":          {nil, "nothing is recorded, so nothing was done: remove the file"},
		"other file":     {[]byte("hello\nworld\n"), "line 1 cannot be trusted: it is no entry: invalid character 'h' looking for beginning of value"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j")
			if err := os.WriteFile(path, test.content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path)
			if want := "opening journal " + path + ": " + test.want; err == nil || err.Error() != want {
				t.Errorf("error\n got %v\nwant %s", err, want)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, test.content) {
				t.Errorf("the refused journal was changed (%v)", err)
			}
		})
	}
}

func TestDiskFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here")
	}
	path, before := written(t)
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	disk := j.file
	j.file = full
	err = j.Write(Begin, "apply", "x", nil)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free the disk, then resume run r1") {
		t.Errorf("error = %v", err)
	}
	j.file = disk
	if again := j.Write(Begin, "apply", "y", nil); !errors.Is(again, syscall.ENOSPC) {
		t.Errorf("after a failed write: %v; want the same error for ever", again)
	}
	if err := errors.Join(j.Close(), full.Close()); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the journal was changed after the failure (%v)", err)
	}
}

func TestSyncFails(t *testing.T) {
	path, _ := written(t)
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	disk := j.file
	r, w, err := os.Pipe() // can be written to, and not be synchronised
	if err != nil {
		t.Fatal(err)
	}
	j.file = w
	if err := j.Write(Begin, "apply", "x", nil); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("error = %v, want that of fsync", err)
	}
	if got := len(j.Entries()); got != 4 {
		t.Errorf("%d entries, want the four that are safe", got)
	}
	if err := errors.Join(j.Close(), disk.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	path, _ := written(t)
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	if _, entries, err := Read(path); err != nil || len(entries) != 4 {
		t.Errorf("reading while it is open: %d entries, %v", len(entries), err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(path); err != nil {
		t.Fatalf("opening after it was closed: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	path, before := written(t)
	if _, err := Create(path, "r2"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error = %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the journal was changed (%v)", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening what is not there: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	_, content := written(f)
	f.Add(content)
	f.Add([]byte("{\"sum\":\"\",\"entry\":{}}\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := parse(content)
		if err != nil {
			return
		}
		again, err := parse(content[:c.size])
		if err != nil || again.sum != c.sum || len(again.entries) != len(c.entries) {
			t.Errorf("the whole lines alone give something else: %v", err)
		}
	})
}
