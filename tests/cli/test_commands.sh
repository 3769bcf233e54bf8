#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the commands as a user does and compares exit status, stdout and stderr.
#   test_commands.sh BIN_DIR MAKE_MODELS SCRATCH_DIR
set -u
PATH=$1:$PATH
make_models=$2 scratch=$3
rm -rf "$scratch"
mkdir -p "$scratch"
cd "$scratch" || exit 1
"$make_models" . || exit 1
unset ONNXRUN_MAX_ISA NO_COLOR
count=0 failures=0

fail() {
    failures=$((failures + 1))
    echo "FAIL: $title"
    printf '  %s\n' "$@"
}

# run STATUS COMMAND...: sets title, out and err; checks the exit status.
run() {
    want=$1
    shift
    title=$*
    count=$((count + 1))
    "$@" >out 2>err
    got=$?
    if [ "$got" -ne "$want" ]; then
        fail "exit status $got, expected $want" "$(cat err)"
    fi
}

# stdout_is / stderr_is: the whole text; stdout_has / stderr_has: a part.
stdout_is() { [ "$(cat out)" = "$1" ] || fail "stdout:" "$(cat out)" "expected:" "$1"; }
stderr_is() { [ "$(cat err)" = "$1" ] || fail "stderr:" "$(cat err)" "expected:" "$1"; }
has() { case $(cat "$1") in *"$2"*) ;; *) fail "$1:" "$(cat "$1")" "expected a part:" "$2" ;; esac; }
stdout_has() { has out "$1"; }
stderr_has() { has err "$1"; }
# Checked by Python where there is one.
stdout_is_json() {
    command -v python3 >/dev/null || return
    python3 -m json.tool out >/dev/null 2>&1 || fail "stdout is no JSON:" "$(cat out)"
}
escape=$(printf '\033') csi=$(printf '\302\233')
no_control() {
    for file in out err; do
        case $(cat $file) in *"$escape"* | *"$csi"*) fail "$file has control characters" ;; esac
    done
}

# ---- usage ----

run 0 onnxrun --help
stdout_has 'Usage: onnxrun [run] MODEL'
stdout_has 'Exit status: 0 success'
for command in run test bench profile compare; do
    run 0 onnxrun $command --help
    stdout_has "Usage: onnxrun $command"
    stdout_has 'Examples:'
    run 1 onnxrun $command
    stderr_has "Try 'onnxrun $command --help'."
    run 1 onnxrun $command --no-such-option
    stderr_has '--no-such-option'
done
run 0 onnxrun --version
stdout_has 'onnxrun 0.'
run 0 onnxdump --version
stdout_has 'onnxdump 0.'
run 1 onnxrun
run 1 onnxdump
run 1 onnxdump relu.onnx --stage sky
stderr_has 'expected model, graph, program or plan'
run 1 onnxrun run relu.onnx --threads 0
stderr_has '--threads 0: expected a number from 1 to 256'
run 1 onnxrun run relu.onnx --seed 0
stderr_has '--seed 0: expected a number from 1 to 9223372036854775807'
run 1 onnxrun run relu.onnx other.onnx
stderr_has 'more than one model: "other.onnx"'

# ---- run ----

run 0 onnxrun relu.onnx -i 'x=[[-1, 2.5, nan], [0, 3, -inf]]'
stdout_is 'y: float[2, 3]  min 0  max 3  mean 1.1  1 nan
[[  0, 2.5, nan],
 [  0,   3,   0]]'
run 0 onnxrun run relu.onnx -i x=arange -d s1=1
stdout_is 'y: float[1, 3]  min 0  max 2  mean 1
[[0, 1, 2]]'
run 0 onnxrun run random.onnx -i x=ones --seed 5
cp out seed.out
run 0 onnxrun run random.onnx -i x=ones --seed 5 --threads 1
stdout_is "$(cat seed.out)"
run 0 onnxrun run relu.onnx -i 'x=[[0, 1e-39, 1]]' --keep-denormals
stdout_has '1.0000002e-39'
run 4 onnxrun run relu.onnx -i 'x=[]' -d s1=1
stderr_has 'input "x" has shape'
run 1 onnxrun run relu.onnx
stderr_has 'onnxrun: 1 input is missing:
  x: float[s1, 3]'
run 1 onnxrun run relu.onnx -i x=ones
stderr_has 'onnxrun: generated inputs need a number for each of these dimensions:
  s1'
run 1 onnxrun run relu.onnx -i x=ones -d batch=2
stderr_has 'onnxrun: no input has a dimension "batch"; the inputs have
  s1'
run 1 onnxrun run relu.onnx -i x=ones -d s1=-1
stderr_has '-d s1=-1: expected NAME=N'
run 1 onnxrun run relu.onnx -i z=ones
stderr_has 'the model has no input "z"; its inputs are
  x: float[s1, 3]'
run 1 onnxrun run relu.onnx -i x=
stderr_has '-i x=: expected NAME=SOURCE'
run 1 onnxrun run relu.onnx -i x=ones -i x=zeros
stderr_has 'given before'
run 1 onnxrun run relu.onnx -i 'x=[[1, 2, 3], [4]]'
stderr_has 'input "x": literal, position 15: this list has 1 elements, those before have 3'
run 1 onnxrun run relu.onnx -i x=picture.jpg
stderr_has '"picture.jpg" is no FILE.npy'
run 1 onnxrun run relu.onnx -i 'x=[[1, 2, 3]]' -d s1=2
stderr_has 'axis 0 has 1 elements, but the dimension "s1" is 2 elsewhere'
run 4 onnxrun run relu.onnx -i 'x=[[1, 2]]'
run 2 onnxrun run relu.onnx -i x=missing.npy
stderr_has 'cannot open "missing.npy": No such file or directory'
run 2 onnxrun run missing.onnx
stderr_has 'missing.onnx'
run 3 onnxrun run unknown.onnx -i x=ones
stderr_has 'Frobnicate'
printf 'no protobuf' >bad.onnx
run 2 onnxrun run bad.onnx
run 1 onnxrun run relu.onnx -i 'x=[[1, 2, 3]]' -o z=z.npy
stderr_has 'the model has no output "z"; its outputs are'
run 2 onnxrun run relu.onnx -i 'x=[[1, 2, 3]]' -o y=nowhere/y.npy
stderr_has 'cannot write "nowhere/y.npy"'

# ---- files: an output of one run is the input of the next ----

run 0 onnxrun run relu.onnx -i 'x=[[1, -2, 3]]' -o y=y.npy
stdout_is ''
run 0 onnxrun run relu.onnx -i x=y.npy
stdout_has '[[1, 0, 3]]'
run 0 onnxrun run ids.onnx -i 'ids=[[101, 7592, 102]]' -o y=floats.npy
run 0 onnxrun run ids.onnx -i ids=floats.npy
stdout_has '[[ 101, 7592,  102]]'
run 0 onnxrun run half.onnx -i 'ids=[[1, 0.1, 70000]]' -o y=half.npy
run 1 onnxrun run ids.onnx -i ids=half.npy
stderr_has 'the data are float16, the model wants int64, which cannot hold element 1'
run 0 onnxrun run half.onnx -i ids=half.npy
run 0 onnxrun run cases/good/model.onnx -i x=cases/good/test_data_set_0/input_0.pb
stdout_has '[0, 2]'
run 0 sh -c 'head -c 20 y.npy >cut.npy'
run 2 onnxrun run relu.onnx -i x=cut.npy
stderr_has 'npy header'
[ -z "$(ls | grep 'npy\.')" ] || fail 'temporary files are left'

# ---- weights of attention ----

zeros='-i x=zeros -d n=2'
run 0 onnxrun run attention.onnx $zeros --attention w.npy -o y=y.npy
stdout_is ''
run 0 onnxrun run weights5.onnx -i w=w.npy
stdout_has 'y: float[2, 1, 2, 2, 2]'
stdout_has '[  1,   0],'
stdout_has '[0.5, 0.5]'
run 0 onnxrun run attention.onnx $zeros --attention mean.npy --attention-heads mean
stdout_has 'y: float[1, 2, 2, 2]'
run 0 onnxrun run weights4.onnx -i w=mean.npy
stdout_has 'y: float[2, 1, 2, 2]'
stdout_has '[  1,   0],'
# sizes that differ need a folder, which is made when its name says so
cross='-i x=zeros -i m=zeros -d n=2 -d k=3'
run 4 onnxrun run cross.onnx $cross --attention differ.npy
stderr_has 'attention "y" has 2 queries and 3 keys in 1 heads and a batch of 1, but "a" before it 2 and 2'
stderr_has 'with a folder, --attention differ.npy/, each gets its own'
run 0 onnxrun run cross.onnx $cross --attention each/ --attention-heads mean
[ "$(echo each/*)" = 'each/000_a.npy each/001_y.npy' ] || fail "files: $(echo each/*)"
run 0 onnxrun run cross.onnx $cross --attention each
run 0 onnxrun run weights4.onnx -i w=each/001_y.npy
stdout_has 'y: float[1, 1, 2, 3]'
# one node, which --no-fusion leaves as it is
run 0 onnxrun run chain.onnx $zeros --attention chain.npy
run 0 onnxrun run weights5.onnx -i w=chain.npy
stdout_has 'y: float[1, 1, 1, 2, 2]'
run 4 onnxrun run chain.onnx $zeros --no-fusion --attention none.npy
stderr_is 'onnxrun: --attention: no operation of the model is an attention: with --no-fusion the nodes of one stay apart'
run 4 onnxrun run relu.onnx -i x=ones -d s1=1 --attention none.npy
stderr_has "no operation of the model is an attention ('onnxdump MODEL --explain' says"
run 2 onnxrun run attention.onnx $zeros --attention nowhere/w.npy
stderr_is 'onnxrun: cannot write "nowhere/w.npy": No such file or directory'
run 2 onnxrun run attention.onnx $zeros --attention nowhere/w/
stderr_is 'onnxrun: cannot make the folder "nowhere/w/": No such file or directory'
run 1 onnxrun run attention.onnx $zeros --attention -
stderr_has '--attention -: expected a file or a folder'
run 1 onnxrun run attention.onnx $zeros --attention w.npy --attention-heads all
stderr_has '--attention-heads all: expected each or mean'
# a disk that is full; what was there stays
cp w.npy before.npy
run 2 sh -c 'trap "" XFSZ; ulimit -f 8; onnxrun run attention.onnx -i x=zeros -d n=64 --attention w.npy'
stderr_is 'onnxrun: cannot write "w.npy": File too large'
cmp -s w.npy before.npy || fail 'the file has changed'
[ ! -e none.npy ] && [ ! -e differ.npy ] || fail 'half a file is left'
[ -z "$(ls . each | grep 'npy\.')" ] || fail 'temporary files are left'

# ---- labels ----

printf 'cat\ndog\nfish\n' >labels.txt
run 0 onnxrun run relu.onnx -i 'x=[[0, 2, 1]]' --labels labels.txt --top 2
stdout_is '   66.52%  dog
   24.47%  fish'
run 1 onnxrun run relu.onnx -i 'x=[[0, 2, 1]]' --labels cases/good/model.onnx
printf 'cat\n' >short.txt
run 1 onnxrun run relu.onnx -i 'x=[[0, 2, 1]]' --labels short.txt
stderr_has 'the output has 3 classes, the label file names 1'

# ---- test ----

run 0 onnxrun test cases --list
stdout_is 'bad
good
shape
unknown'
run 4 onnxrun test cases
stdout_is 'FAIL bad: data set 0, output 0 "y": 1 of 2 elements differ, first at [1]: got 2, expected 3; largest error 1
FAIL shape: data set 0, output 0 "y": got float[2], expected float[3]
1 passed, 2 failed, 1 unsupported'
run 0 onnxrun test cases --filter 'go*' --verbose
stdout_has 'ok   good ('
stdout_has '1 passed, 0 failed, 0 unsupported'
run 0 onnxrun test cases/good cases/unknown -v
stdout_has 'skip unknown: load: not supported: Frobnicate-17'
stdout_has '1 passed, 0 failed, 1 unsupported'
run 0 onnxrun test cases --filter bad --atol 1
printf '{"rtol": 0.5, "atol": 0}' >cases/bad/data.json
run 0 onnxrun test cases --filter bad
run 4 onnxrun test cases --filter bad --rtol 0
run 4 onnxrun test cases --json
stdout_is_json
stdout_has '{"passed": 2, "failed": 1, "unsupported": 1,'
stdout_has '"name": "unknown", "verdict": "unsupported"'
# 1 where 0 was expected is no finite number of units in the last place of 0
mkdir -p endless/test_data_set_0
cp double.onnx endless/model.onnx
{
    printf '\10\1\10\3\20\1\112\14'
    printf '\0\0\200\77%.0s' 1 2 3
} >endless/test_data_set_0/input_0.pb
{
    printf '\10\1\10\3\20\13\112\30'
    printf '\0%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24
} >endless/test_data_set_0/output_0.pb
run 4 onnxrun test endless --json
stdout_is_json
stdout_has '"verdict": "failed", "max_error": 1, "max_ulp": null'
run 1 onnxrun test cases --filter nothing
run 2 onnxrun test nowhere
stderr_has 'cannot read the folder "nowhere"'

# ---- bench ----

run 0 onnxrun bench relu.onnx -d s1=4 --seconds 0.01
stdout_has 'x: float[4, 3]'
stdout_has 'allocations  0 per run'
run 0 onnxrun bench relu.onnx -d s1=4 --seconds 0.01 --json
stdout_is_json
stdout_has '"median_ms": '
stdout_has '"allocations_per_run": 0}'
run 0 onnxrun bench relu.onnx -d s1=4 --seconds 0.01 --spin 100 --threads 2
run 1 onnxrun bench relu.onnx -d s1=4 --spin -1
stderr_has '--spin -1: expected a number from 0 to 1000000'
run 1 onnxrun bench relu.onnx
stderr_has 's1'
run 1 onnxrun bench relu.onnx -d s1=4 --seconds soon
stderr_has '--seconds soon: expected a number'

# ---- profile ----

run 0 onnxrun profile relu.onnx -d s1=4 --seconds 0.01 --trace trace.json
stdout_has 'limits '
stdout_has ' of limit  operator, calls in a run'
stdout_has '  Relu 1'
stdout_has '  Relu  y: float[4, 3]'
stdout_has 'least        '
cp trace.json out
stdout_is_json
stdout_has '{"name": "Relu", "ph": "X", "pid": 1, "tid": 1, "ts": 0.000, "dur": '
stdout_has '"args": {"node": "", "output": "y", "shape": "float[4, 3]"}}'
run 0 onnxrun profile relu.onnx -d s1=4 --seconds 0.01 --no-limits --json
stdout_is_json
stdout_has '"operators": [
  {"op": "Relu", "calls": 1, "ms": '
stdout_has '"nodes": [
  {"op": "Relu", "name": "", "output": "y", "shape": "float[4, 3]", "depth": 0, "calls": 1, "ms": '
case $(cat out) in *limit*) fail 'limits were measured' ;; esac
if command -v python3 >/dev/null; then
    cp out profile.json
    run 0 python3 -c 'import json
profile = json.load(open("profile.json"))
node, operator = profile["nodes"][0], profile["operators"][0]
assert 0 <= node["min_ms"] <= node["ms"], node
assert node["min_ms"] == operator["min_ms"] == profile["nodes_min_ms"] <= profile["min_ms"], profile'
fi
run 0 onnxrun profile relu.onnx -d s1=4 --seconds 0 --no-limits --top 0
stdout_has '... and 1 more (--top)'
run 2 onnxrun profile relu.onnx -d s1=4 --seconds 0 --trace nowhere/trace.json
stderr_has 'cannot write "nowhere/trace.json": No such file or directory'
run 1 onnxrun profile relu.onnx -d s1=4 --trace -
stderr_has '--trace -: expected a file'
run 1 onnxrun profile relu.onnx -d s1=4 --top -1
stderr_has '--top -1: expected a number from 0'

# ---- onnxdump ----

run 0 onnxdump relu.onnx --stage model
stdout_is 'model "g"
  IR version 8
  operator sets: ai.onnx 17

inputs
    x: float[s1, 3]

outputs
    y: float[s1, 3]

operators: 1 nodes
       1  Relu

weights: 0 tensors, 0 elements, 0 bytes

constants

nodes
  y = Relu (x)'
run 0 onnxdump modules.onnx -d s1=4
stdout_is 'model "g"
  IR version 8
  operator sets: ai.onnx 17

inputs
    x: float[s1, 8]

outputs
    y: float[s1, 8]

operators: 6 nodes
       4  MatMul
       2  Relu

weights: 3 tensors, 192 elements, 768 bytes
       3  float          192 elements, 768 bytes

modules                    nodes      parameters      bytes       MACs
  all                          6             192      768 B     1.02 k
  net: Net                     6             192      768 B     1.02 k
    emb: Emb                   1               0        0 B        256
    layer.{0..1}: Layer        2              64      256 B        256  each of 2
    head: Head                 1               0        0 B        256
    (shared)                   0              64      256 B          0'
run 0 onnxdump modules.onnx --modules
stdout_is 'modules                    nodes      parameters      bytes
  all                          6             192      768 B
  net: Net                     6             192      768 B
    emb: Emb                   1               0        0 B
    layer.{0..1}: Layer        2              64      256 B  each of 2
    head: Head                 1               0        0 B
    (shared)                   0              64      256 B
MACs need a number for each dimension: -d s1=N'
run 0 onnxdump modules.onnx --modules --json -d s1=4
stdout_is_json
stdout_has '{"name": "layer.1", "class": "Layer", "parent": 1, "nodes": 2, "parameters": 64, "bytes": 256, "macs": 256}'
run 1 onnxdump modules.onnx -d s2=4
stderr_has 'no input has a dimension "s2"'
run 0 onnxdump unknown.onnx
stdout_has 'MACs are not known: load: not supported: Frobnicate-17'
run 0 onnxdump modules.onnx --cost -d s1=4
stdout_is 'cost of a run with s1 = 4
  MACs       1,024
  bytes      1.50 KiB read, 512 B written
  intensity  1.00 FLOP per byte
  memory     256 B for intermediate results, most at step 1, b0
  steps      4

  step      MACs       read    written   FLOP/B     memory  node
     0       256      384 B      128 B     1.00      128 B  MatMul  e
     1       256      384 B      128 B     1.00      256 B  Linear  b0
     2       256      384 B      128 B     1.00      256 B  Linear  b1
     3       256      384 B      128 B     1.00      256 B  MatMul  y'
run 0 onnxdump modules.onnx --cost
stdout_has '  MACs       256
  formula    256*s1'
run 0 onnxdump modules.onnx --cost --json
stdout_has '"macs_formula": "256*s1"'
run 0 onnxdump modules.onnx --cost --json -d s1=4
stdout_has '"macs_formula": null'
run 0 onnxdump modules.onnx --cost --no-fusion
stdout_has 'cost of a run with s1 = 1'
stdout_has '     2         0       32 B       32 B     0.00       64 B  Relu  b0'
run 0 onnxdump modules.onnx --cost --json
stdout_is_json
stdout_has '{"name": "", "op_type": "MatMul", "macs": 64, "read_bytes": 288,'
run 1 onnxdump modules.onnx --cost -d s2=1
stderr_has 'no input has a dimension "s2"'
run 3 onnxdump unknown.onnx --cost
echo '<ir_version: 10, opset_import: ["": 21]> g (float[?, 4] x, float[4, "n + 1"] w) => (float[?, ?] y)
{ y = MatMul (x, w) }' >open.onnxtxt
run 0 onnxdump open.onnxtxt --cost
stdout_has 'cost of a run with x/0 = 1, n + 1 = 1
  MACs       4
  formula    4*"x/0"*"n + 1"'
run 0 onnxdump open.onnxtxt --modules -d x/0=3
stdout_has 'MACs need a number for each dimension: -d n + 1=N'
run 0 onnxdump open.onnxtxt --cost -d x/0=3 -d 'n + 1=5'
stdout_has 'cost of a run with x/0 = 3, n + 1 = 5
  MACs       60'
run 1 onnxdump open.onnxtxt --cost -d x/1=3
stderr_has 'no input has a dimension "x/1"; the inputs have
  x/0, n + 1'
run 0 onnxdump weights.onnx --stats
stdout_is '         min          max         mean      zeros    nan    inf  weight
          -1            3            1          0      1      1  floats: float[4]
          -0            2            1          1      0      1  halfs: float16[4]
           0           15       5.8333          1      0      0  packed: uint4[12]
          -1     1.7e+308     8.5e+307          1      0      0  large: double[4]
           -            -            -          0      0      0  words: string[1]'
run 0 onnxdump weights.onnx --stats --json
stdout_is_json
stdout_has '{"name": "halfs", "dtype": "float16", "shape": [4], "min": -0, "max": 2, "mean": 1, "zeros": 1'
run 2 onnxdump bad.onnx --stats
run 0 onnxdump weights.onnx --onnxtxt
stdout_is '<
   ir_version: 10,
   opset_import: ["" : 21]
>
g (bool c) => (float[4] y)
<float[4] floats = {nan, inf, -1.0, 3.0},
 float16[4] halfs = {15360, 32768, 64512, 16384},
 uint4[12] packed = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15},
 double[4] large = {1.6999999999999999e+308, 1.6999999999999999e+308, -1.0, 0.0},
 string[1] words = {"a \"b\"
\\"}>
{
    y = If <then_branch: graph = branch () => (float[4] t)
    {
        t = Neg (floats)
    }, else_branch: graph = branch () => (float[4] e)
    {
        e = Abs (floats)
    }> (c)
}'
run 0 onnxdump modules.onnx --onnxtxt
stdout_has '    b0 = Relu (a0)'
stdout_has 'float[8, 8] "net.emb" = ["location": "modules.onnx", "offset": "'
# Read back by the parser of ONNX, where there is one.
run 0 onnxdump ids.onnx --onnxtxt
stdout_has '    y = Cast <to: int = 1> (ids)'
if command -v python3 >/dev/null && python3 -c 'import onnx.parser' 2>/dev/null; then
    for model in weights modules ids relu unknown hostile; do
        onnxdump $model.onnx --onnxtxt >$model.onnxtxt
        run 0 python3 -c "import onnx.parser; onnx.parser.parse_model(open('$model.onnxtxt').read())"
    done
fi
run 0 onnxdump relu.onnx --dot
stdout_is 'digraph "g" {
graph [fontname="Helvetica", fontsize=11, color="#8899bb", style=rounded];
node [fontname="Helvetica", fontsize=11, shape=box, style=filled, fillcolor="#ffffff"];
edge [fontname="Helvetica", fontsize=9];
b0 [shape=ellipse, fillcolor="#e8f1e4", label="x: float[s1, 3]"];
b1 [label="Relu", tooltip="y"];
b2 [shape=ellipse, fillcolor="#e8f1e4", label="y: float[s1, 3]"];
b0 -> b1 [tooltip="x", label="float[s1, 3]"];
b1 -> b2 [tooltip="y", label="float[s1, 3]"];
}'
run 0 onnxdump modules.onnx --dot
stdout_has 'label="layer.1: Layer";
b4 [label="MatMul\nnet.1: float[8, 8]", tooltip="a1"];'
run 0 onnxdump modules.onnx --dot --stage graph
stdout_has '[label="Linear\nnet.emb: float[8, 8]", tooltip="b0"];'
run 0 onnxdump weights.onnx --dot
stdout_has 'label="then_branch of y";'
# Inferred where the file declares nothing; where an operator is missing, what is known before it.
stdout_has 'float[4]'
run 0 onnxdump unknown.onnx --dot
stdout_has 'label="Frobnicate"'
run 1 onnxdump relu.onnx --dot --stage plan
stderr_has '--dot draws the stages model and graph'
run 3 onnxdump unknown.onnx --stage graph --dot
run 2 onnxdump bad.onnx --dot
run 0 onnxdump --diff relu.onnx relu.onnx
stdout_is '- relu.onnx
+ relu.onnx

weights: 0 equal

nodes: 1 equal

The models are equal.'
run 1 onnxdump --diff relu.onnx random.onnx
stdout_is '- relu.onnx
+ random.onnx

signature
! input x: float[s1, 3] -> float[2]
! output y: float[s1, 3] -> float[2]

weights: 0 equal

nodes: 0 equal, 1 only in the first model, 1 only in the second model
in no module
  - Relu  y
  + RandomUniformLike  y'
run 1 onnxdump relu.onnx random.onnx --diff --json
stdout_is_json
stdout_has '{"section": "nodes", "sign": "-", "what": "Relu", "name": "y", "detail": null, "module": "", "body": null}'
run 2 onnxdump --diff relu.onnx bad.onnx
run 2 onnxdump --diff relu.onnx
stderr_has 'there is no second model to compare with'
run 0 onnxdump modules.onnx --extract e..b0 -o part.onnx
stdout_is 'part.onnx: 2 of 6 nodes, 1 weight
  in   e: float[s1, 8]
  out  b0: float[s1, 8]'
run 0 onnxrun run part.onnx -i e=ones -d s1=1
run 1 onnxdump modules.onnx --extract e..b2 -o part.onnx
stderr_is 'onnxdump: the graph has no value "b2"; did you mean "b0", "b1"?'
run 1 onnxdump modules.onnx --extract
stderr_has '--extract needs a value'
run 1 onnxdump modules.onnx --extract e..b1
stderr_has '-o FILE'
run 2 onnxdump bad.onnx --extract e..b0 -o part.onnx
run 2 onnxdump modules.onnx --extract e..b0 -o nowhere/part.onnx
stderr_has 'cannot write "nowhere/part.onnx"'
run 0 onnxdump modules.onnx --check
stdout_is 'modules.onnx: the model is valid and can be run'
run 2 onnxdump bad.onnx --check
run 3 onnxdump unknown.onnx --check
stderr_has 'Frobnicate-17 at node "y"'
run 0 onnxdump modules.onnx --check --json
stdout_is '{"verdict": "valid", "message": ""}'
run 3 onnxdump unknown.onnx --check --json
stdout_is_json
stdout_has '{"verdict": "unsupported", "message": "load: not supported: Frobnicate-17'
for stage in model graph program plan; do
    run 0 onnxdump relu.onnx --stage $stage
    stdout_has 'Relu'
    run 0 onnxdump relu.onnx --stage $stage --json
    stdout_has 'Relu'
    stdout_is_json
done
run 0 env ONNXRUN_MAX_ISA=scalar onnxdump relu.onnx --stage program
stdout_has 'program: 1 nodes, kernels up to scalar, heap '
run 0 env ONNXRUN_MAX_ISA=scalar onnxdump relu.onnx --stage program --json
stdout_has '"isa": "scalar"'
run 0 env ONNXRUN_MAX_ISA=scalar onnxdump relu.onnx --explain
stdout_is 'passes: 1 nodes before, 1 after

kernels up to scalar, for s1 = 1
  count  operator                    computes in             by
      1  Relu                        float                   unary scalar'
run 0 onnxdump relu.onnx --explain -d s1=5
stdout_has ', for s1 = 5'
for view in --explain '--stage plan' --modules --cost '--html page.html'; do
    run 1 onnxdump relu.onnx $view -d s2=5
    stderr_has 'onnxdump: no input has a dimension "s2"; the inputs have
  s1'
done
run 0 onnxdump relu.onnx --explain --json
stdout_is_json
stdout_has '"op": "Relu", "types": "float", "kernel": "unary", "isa": '
run 0 onnxdump hostile.onnx --explain
run 0 onnxdump hostile.onnx --explain --json
stdout_is_json
run 0 onnxdump unknown.onnx --stage model
stdout_has 'y = Frobnicate (x)'
run 3 onnxdump unknown.onnx --stage graph
run 3 onnxdump unknown.onnx --explain
stdout_is 'not supported
  Frobnicate-17 at 1 node
      "y"'
stderr_has 'Frobnicate-17 at node "y"'
run 3 onnxdump unknown.onnx --explain --json
stdout_is_json
run 0 onnxdump modules.onnx --html page.html
stdout_is ''
[ "$(grep -c '<script type="application/json"' page.html)" -eq 4 ] || fail "page without its data"
run 0 onnxdump modules.onnx --html - -d s1=4
cp out page && stdout_has '"dims": [{"name": "s1", "value": 4}]'
[ "$(head -c 15 page)" = '<!DOCTYPE html>' ] || fail "no page on stdout"
run 0 onnxdump unknown.onnx --html page.html
run 1 onnxdump modules.onnx --html page.html -d s2=4
run 1 onnxdump modules.onnx --html
run 2 onnxdump bad.onnx --html page.html
run 2 onnxdump modules.onnx --html missing/page.html
stderr_has 'cannot write "missing/page.html"'
run 2 onnxdump missing.onnx
run 0 onnxdump --ops
stdout_has 'Softmax'
run 0 onnxdump --ops --json
stdout_is_json
run 0 onnxdump hostile.onnx --json
stdout_is_json

# ---- compare ----

run 0 onnxrun run modules.onnx -i x=arange -d s1=2 --dump expected
run 0 onnxrun run modules.onnx -i x=arange -d s1=2 --dump expected --no-fusion -o y=y.npy
run 0 sh -c 'ls expected'
stdout_is 'a0.npy
a1.npy
b0.npy
b1.npy
e.npy
y.npy'
run 0 cmp y.npy expected/y.npy
run 0 onnxrun compare modules.onnx --against expected -i x=arange -d s1=2
stdout_has '  0         0         0                    MatMul  y: float[2, 8]

6 values compared: 0 differ by more than 0.0001 + 0.001 |expected|'
run 1 onnxrun compare modules.onnx --against expected -i x=ones -d s1=2
stdout_has '>        14      0.88  1.43e+45  [1, 1]            MatMul  e: float[2, 8]
*        14 '
stdout_has 'first difference: MatMul, value "e": '
run 0 onnxrun compare modules.onnx --against expected -i x=ones -d s1=2 --atol 1e9
run 1 onnxrun compare modules.onnx --against expected -i x=arange -d s1=3
stdout_has 'got float[3, 8], expected float[2, 8]'
run 1 onnxrun compare modules.onnx --against expected -i x=ones -d s1=2 --json
stdout_is_json
stdout_has '"first_different": "e"'
run 0 rm expected/e.npy expected/a0.npy
run 0 onnxrun compare modules.onnx --against expected -i x=arange -d s1=2 --fused
stdout_has 'values compared: 0 differ'
run 0 onnxrun compare modules.onnx --against expected -i x=arange -d s1=2
stdout_has '; 2 are not in expected'
run 0 sh -c 'printf cut >expected/b1.npy'
run 2 onnxrun compare modules.onnx --against expected -i x=arange -d s1=2
stdout_has '2 values compared: 0 differ'
stderr_has 'onnxrun: value "b1": expected/b1.npy: '
run 0 sh -c 'rm expected/*; cp cases/good/test_data_set_0/output_0.pb expected/y.pb'
run 0 onnxrun compare cases/good/model.onnx --against expected -i 'x=[-1, 2]'
run 0 onnxrun run half.onnx -i 'ids=[[1, 2, 3]]' --dump expected
run 1 onnxrun compare half.onnx --against expected -i 'ids=[[1, 2, 3.25]]'
stdout_has '      0.25     0.083       128  [0, 2]            Cast  y: float16[1, 3]'
run 0 onnxrun compare double.onnx --against expected -i 'ids=[[1, 2, 3]]'
run 1 onnxrun compare modules.onnx --against expected -i x=arange -d s1=2
stdout_has 'value "y": got float[2, 8], expected float16[1, 3]'
run 0 sh -c 'printf cut >expected/y.npy'
run 2 onnxrun compare half.onnx --against expected -i 'ids=[[1, 2, 3]]'
stderr_has 'expected/y.npy: '
run 0 rm expected/y.npy expected/y.pb
run 2 onnxrun compare half.onnx --against expected -i 'ids=[[1, 2, 3]]'
stderr_is 'onnxrun: expected has none of the 1 values that were computed'
run 2 onnxrun compare half.onnx --against nowhere -i 'ids=[[1, 2, 3]]'
stderr_has 'cannot open nowhere: '
run 2 onnxrun compare half.onnx --against half.onnx -i 'ids=[[1, 2, 3]]'
stderr_has 'half.onnx is no folder'
run 1 onnxrun compare half.onnx
stderr_has '--against is missing'
run 2 onnxrun run half.onnx -i 'ids=[[1, 2, 3]]' --dump half.onnx/folder
stderr_has 'cannot make the folder "half.onnx/folder": '
run 2 onnxrun compare relu.onnx -d s1=1 --against onnxruntime --python ./missing
stderr_has 'cannot start ./missing: No such file or directory; --python names another'
run 2 env PYTHON=false onnxrun compare relu.onnx -d s1=1 --against onnxruntime
stderr_is 'onnxrun: false does not answer as it should'
run 2 onnxrun compare relu.onnx -d s1=1 --against onnxruntime --python echo
stderr_is 'onnxrun: echo does not answer as it should'

# ---- hostile names, closed pipes ----

for command in 'onnxdump' 'onnxdump --json' 'onnxrun run' 'onnxrun run -i z=1' \
    'onnxrun profile --seconds 0' 'onnxrun profile --seconds 0 --json' \
    'onnxrun run -i z=1 --dump hostile' 'onnxrun compare --against cases' \
    'onnxrun run -o z=1' 'onnxdump --stage plan' 'onnxdump --stage model' 'onnxdump --modules' \
    'onnxdump --modules --json' 'onnxdump --cost' 'onnxdump --cost --json' 'onnxdump --stats' \
    'onnxdump --check' 'onnxdump --onnxtxt' 'onnxdump --dot' 'onnxdump --extract .. -o part.onnx' \
    'onnxdump --diff relu.onnx' 'onnxdump --diff --json relu.onnx' 'onnxdump --check --json' 'onnxdump --explain' 'onnxdump --explain --json'; do
    title="$command hostile.onnx"
    $command hostile.onnx >out 2>err
    no_control
done
run 0 sh -c 'onnxrun run hostile.onnx -i "$(printf "x\\033[2J\\n=ones")" --dump hostile && ls hostile'
stdout_has 'y%C2%9B31m.npy'
run 0 onnxrun compare hostile.onnx --against hostile --atol 9
no_control
run 0 onnxrun compare hostile.onnx --against hostile --atol 9 --json
no_control
for view in --stage\ model --modules --cost --stats --check --explain ''; do
    run 0 onnxdump quotes.onnx $view --json
    stdout_is_json
done
run 1 onnxrun run hostile.onnx
stderr_has 'x\x1b[2J\x0a: float[2]'
run 0 sh -c 'onnxdump --ops | head -n 1'
stderr_is ''

echo "$count commands, $failures failures"
[ "$failures" -eq 0 ]
