/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of gradients, one row per operator, as text that is read when a model has a Gradient.
 *
 *   row         "Mul:sum(Mul(g,x1),x);sum(Mul(g,x0),x)": a rule for each input; "*": as before,
 *               for all that follow; nothing: no gradient. "Op-13:" holds from version 13 on
 *   g, y        the gradient of the node's output, and this output
 *   x, x0, x1   the input whose gradient is made, and those by number
 *   1, alpha    a number of the type of g: given, or an attribute of the node, 1 when it is absent
 *   #2, #axis   a list of one int64 likewise; an absent attribute is -1
 *   Op(a,b)     a node of version 18, or of com.microsoft. Op@: of the domain and version of the node
 *               that the rule is for and with its attributes; self: of the same operator
 *   [attr=1]    an attribute, also that of the node: [transA=transB], or its opposite: [transA=!transB]
 *   ~           the attribute perm, inverted
 *   attr?a:b    a when the node's attribute is there and not 0, else b
 *   PART        what the row of this name says
 *   sum(v,x)    v summed over the axes along which x was broadcast: a row with v as g
 *   like(v,x)   v in the shape of x likewise
 *
 * Shapes need not be known: rules ask for them at run time, and what is known is folded later.
 */
#include "graph/passes/gradient_rules.h"

#include "graph/op_def.h"

#include <string.h>

/* clang-format off */
#define RANK(x)    "Shape(Shape(" x "))"
#define JOIN(a, b) "Concat[axis=0](" a "," b ")"

static const char rules[] =
    "Abs:Mul(g,Sign(x))\n"
    "Add:sum(g,x);*\n"
    "Cast:CastLike(g,x)\n"
    "CastLike:CastLike(g,x);\n"
    "Ceil:\n"
    "Clip:Where(Equal(x,y),g,0)\n"
    "Cos:Neg(Mul(g,Sin(x)))\n"
    "Div:sum(Div(g,x1),x);sum(Neg(Div(Mul(g,y),x)),x)\n"
    "Equal:;\n"
    "Exp:Mul(g,y)\n"
    "Expand:sum(g,x);\n"
    "Flatten:like(g,x)\n"
    "Floor:\n"
    "FusedMatMul:sum(BYA,x);sum(BYB,x)\n"
    "Gemm-11:BYA;BYB;sum(Mul(g,beta),x)\n"
    "Greater:;\n"
    "GreaterOrEqual:;\n"
    "Identity:g\n"
    "Less:;\n"
    "LessOrEqual:;\n"
    "Log:Div(g,x)\n"
    "LogSoftmax-13:Sub(g,Mul(Exp(y),ReduceSum(g,#axis)))\n"
    "MatMul:sum(FusedMatMul[transB=1](PRODUCT,RIGHT),x);"
        "like(sum(FusedMatMul[transA=1](LEFT,PRODUCT),RIGHT),x)\n"
    "Mul:sum(Mul(g,x1),x);sum(Mul(g,x0),x)\n"
    "Neg:Neg(g)\n"
    "Pow:sum(Where(Equal(EXPONENT,0),0,Mul(Mul(g,EXPONENT),Pow(x,Sub(EXPONENT,1)))),x);"
        "sum(CastLike(Where(And(Equal(x0,0),Not(Less(EXPONENT,0))),0,Mul(Mul(g,y),Log(x0))),x),x)\n"
    "Reciprocal:Neg(Mul(g,Mul(y,y)))\n"
    "ReduceMean:Mul(SPREAD,CastLike(Div(Cast[to=11](Size(y)),Cast[to=11](Size(x))),g));\n"
    "ReduceSum:SPREAD;\n"
    "Relu:Where(Greater(y,0),g,0)\n"
    "Reshape:like(g,x);\n"
    "Round:\n"
    "Shape:\n"
    "Sigmoid:Mul(g,Mul(y,Sub(1,y)))\n"
    "Sign:\n"
    "Sin:Mul(g,Cos(x))\n"
    "Size:\n"
    "Softmax-13:Mul(y,Sub(g,ReduceSum(Mul(g,y),#axis)))\n"
    "Softmax:like(Mul(Flatten@(y),Sub(Flatten@(g),ReduceSum(Mul(Flatten@(g),Flatten@(y)),#1))),x)\n"
    "Softplus:Mul(g,Sigmoid(x))\n"
    "Sqrt:Div(g,Add(y,y))\n"
    "Squeeze:like(g,x);\n"
    "Sub:sum(g,x);sum(Neg(g),x)\n"
    "Sum:sum(g,x);*\n"
    "Tanh:Mul(g,Sub(1,Mul(y,y)))\n"
    "Transpose:Transpose~(g)\n"
    "Unsqueeze:like(g,x);\n"
    "Where:;sum(Where(x0,g,0),x);sum(Where(x0,0,g),x)\n"
    /* the axes are those where x, with dimensions of 1 before its own, has 1 */
    "sum:like(ReduceSum[noop_with_empty_axes=1](g,Squeeze(NonZero(Equal("
        JOIN("Expand(#1,Sub(" RANK("g") "," RANK("x") "))", "Shape(x)") ",#1)),#0)),x)\n"
    "like:Reshape[allowzero=1](g,Shape(x))\n"
    /* powers of 0 do not change with the exponent */
    "EXPONENT:CastLike(x1,g)\n"
    /* each element that was reduced gets what its result has */
    "SPREAD:Expand(like(g,self@[keepdims=1](x0,x1)),Shape(x0))\n"
    /* of products with the attributes transA and transB, by A and by B */
    "BYA:transA?self@[transA=transB][transB=1](x1,g):self@[transA=0][transB=!transB](g,x1)\n"
    "BYB:transB?self@[transA=1][transB=transA](g,x0):self@[transA=!transA][transB=0](x0,g)\n"
    /* operands of MatMul as matrices: [K] is [1,K] at the left and [K,1] at the right */
    "LEFT:Expand(x0,Expand(#1,#2))\n"
    "RIGHT:Reshape[allowzero=1](x1,Slice(" JOIN("Shape(x1)", "#1") ",#0,Max(#2," RANK("x1") ")))\n"
    "BATCH:Slice(Shape(g),#0,Sub(Max(#2," RANK("x0") "," RANK("x1") "),#2))\n"
    "PRODUCT:Reshape[allowzero=1](g," JOIN("BATCH",
        JOIN("Slice(Shape(LEFT),#-2,#-1)", "Slice(Shape(RIGHT),#-1,#99)")) ")\n";
/* clang-format on */

static bool is_end(char c)
{
    return c == ';' || c == '\n' || c == '\0';
}

int64_t onr_gradient_int(const char **text)
{
    bool is_negative = **text == '-';
    int64_t number = 0;
    for (*text += is_negative; **text >= '0' && **text <= '9'; ++*text) {
        number = number * 10 + (**text - '0');
    }
    return is_negative ? -number : number;
}

const char *onr_gradient_row(const char *name, int64_t version)
{
    size_t length = strlen(name);
    for (const char *row = rules; *row != '\0'; row = strchr(row, '\n') + 1) {
        if (strncmp(row, name, length) != 0) {
            continue;
        }
        const char *end = row + length;
        int64_t first = 0;
        if (*end == '-') {
            end++;
            first = onr_gradient_int(&end);
        }
        if (*end == ':' && version >= first) {
            return end + 1;
        }
    }
    return NULL;
}

/* Before version 7 broadcasting was an attribute. Of com.microsoft there is what rules make. */
static bool is_covered(const struct onr_node *node)
{
    if (node->domain[0] == '\0') {
        return node->version >= 7;
    }
    return strcmp(node->domain, "com.microsoft") == 0 &&
           strcmp(node->op_type, "FusedMatMul") == 0 && onr_attr_int(node, "transBatchA", 0) == 0 &&
           onr_attr_int(node, "transBatchB", 0) == 0;
}

/* What becomes an integer changes in steps. */
static bool is_cast_to_steps(const struct onr_node *node)
{
    int64_t to = onr_attr_int(node, "to", ONR_FLOAT);
    return strcmp(node->op_type, "Cast") == 0 && onr_dtype_is_valid(to) &&
           !onr_dtypes_has(ONR_DTYPES_FLOAT, (enum onr_dtype)to);
}

const char *onr_gradient_rule(const struct onr_node *node, uint32_t input)
{
    if (is_cast_to_steps(node)) {
        return "";
    }
    const char *rule = is_covered(node) ? onr_gradient_row(node->op_type, node->version) : NULL;
    for (uint32_t i = 0; rule != NULL && i < input; i++) {
        const char *next = rule;
        while (!is_end(*next)) {
            next++;
        }
        if (*next != ';') {
            return NULL;
        }
        if (next[1] == '*') {
            break;
        }
        rule = next + 1;
    }
    return rule;
}

bool onr_gradient_rule_is_empty(const char *rule)
{
    return is_end(*rule);
}
