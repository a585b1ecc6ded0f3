/* The least a process can be, linked statically: what starting one costs. */
int main(void) {
    return 0;
}
